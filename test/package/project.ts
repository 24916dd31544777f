import { execFile } from 'node:child_process';
import { appendFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

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
   */
  static async make(
    name: string,
    packages: readonly string[],
    manifest: object = {},
    programs = 'test/package/programs',
  ): Promise<Project> {
    const { KVS_PACKAGE_FOLDER: parent, KVS_PACKAGE_TARBALL: tarball } = process.env;
    if (parent === undefined || tarball === undefined) throw new Error('to be run by npm run test:package');
    const project = new Project(join(parent, name.replaceAll(/\W+/g, '-')));
    mkdirSync(project.folder, { recursive: true });
    project.write('package.json', JSON.stringify({ private: true, type: 'module', ...manifest }));
    if (programs !== '') cpSync(programs, project.folder, { recursive: true });
    await project.run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', tarball, ...packages]);
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
    const { PATH = '', NODE_OPTIONS: _, ...rest } = process.env;
    const path = `${join(this.folder, 'node_modules/.bin')}:${PATH}`;
    try {
      return await run(program, args, {
        cwd: this.folder,
        // Bundlers do other things where they find themselves in tests.
        env: { ...rest, VITEST: undefined, NODE_ENV: 'production', CI: 'true', PATH: path, ...env },
        maxBuffer: 1 << 26,
      });
    } catch (error) {
      const { stdout = '', stderr = '' } = error as Partial<Ran>;
      throw new Error(`${program} ${args.join(' ')} failed:\n${stdout}\n${stderr}`, { cause: error });
    }
  }
}
