import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { appendFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The package of the AWS SDK for stored media. */
export const ARCHIVED_MEDIA = '@aws-sdk/client-kinesis-video-archived-media';

/** Packages of the AWS SDK that GetMediaConsumer needs; that of the archived media is left out on purpose. */
export const GET_MEDIA_PEERS = ['@aws-sdk/client-kinesis-video', '@aws-sdk/client-kinesis-video-media'];

/** What ran, with what it printed. */
export interface Ran {
  readonly stdout: string;
  readonly stderr: string;
}

/** Notes a version for the table of what was tried. */
export function noteVersion(subject: string, version: string): void {
  const { KVS_PACKAGE_VERSIONS: noted } = process.env;
  if (noted !== undefined) appendFileSync(noted, `${JSON.stringify([subject, version])}\n`);
}

/** A project of its own in a temporary folder, with the packed package installed from its tarball. */
export class Project {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /**
   * @param packages what npm installs beside the package itself
   * @param programs the folder of programs that are copied into it; `''`: none
   * @param source what npm installs as the package itself. Default: the tarball
   */
  static async make(
    name: string,
    packages: readonly string[],
    manifest: object = {},
    programs = 'test/package/programs',
    source = process.env['KVS_PACKAGE_TARBALL'],
  ): Promise<Project> {
    const { KVS_PACKAGE_FOLDER: parent } = process.env;
    if (parent === undefined || source === undefined) throw new Error('to be run by npm run test:package');
    const project = new Project(join(parent, name.replaceAll(/\W+/g, '-')));
    mkdirSync(project.folder, { recursive: true });
    project.write('package.json', JSON.stringify({ private: true, type: 'module', ...manifest }));
    if (programs !== '') cpSync(programs, project.folder, { recursive: true });
    await project.run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', source, ...packages]);
    return project;
  }

  /** Writes a file. */
  write(path: string, text: string): void {
    mkdirSync(join(this.folder, path, '..'), { recursive: true });
    writeFileSync(join(this.folder, path), text);
  }

  /** A file's bytes. */
  read(path: string): Uint8Array {
    return readFileSync(join(this.folder, path));
  }

  /** A copy of a folder where no `node_modules` are above it. */
  alone(path: string): string {
    const copy = join(this.folder, '..', 'alone', basename(this.folder), path);
    cpSync(join(this.folder, path), copy, { recursive: true });
    return copy;
  }

  /** The version of a package that was installed; it is noted for the table of what was tried. */
  version(name: string, subject: string): string {
    const { version } = JSON.parse(readFileSync(join(this.folder, 'node_modules', name, 'package.json'), 'utf8'));
    noteVersion(subject, version);
    return version;
  }

  /**
   * Runs a program in the folder; a name without a slash is one of node_modules/.bin or of the PATH.
   *
   * @throws Error with all that it printed when it fails
   */
  async run(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> {
    try {
      return await run(program, args, { cwd: this.folder, env: this.#environment(env), maxBuffer: 1 << 26 });
    } catch (error) {
      const { stdout = '', stderr = '' } = error as Partial<Ran>;
      throw new Error(`${program} ${args.join(' ')} failed:\n${stdout}\n${stderr}`, { cause: error });
    }
  }

  /** Starts a program in the folder, as {@link run} does, that runs until it is killed. */
  start(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
    return spawn(program, args, {
      cwd: this.folder,
      env: this.#environment(env),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  }

  #environment(env: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
    const { PATH = '', NODE_OPTIONS: _, ...rest } = process.env;
    const path = `${join(this.folder, 'node_modules/.bin')}:${PATH}`;
    // Bundlers do other things where they find themselves in tests.
    return { ...rest, VITEST: undefined, NODE_ENV: 'production', CI: 'true', PATH: path, ...env };
  }
}
