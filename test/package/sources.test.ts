import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { Project } from './project.js';
import { IS_QUICK } from './subjects.js';

const run = promisify(execFile);
const { KVS_PACKAGE_FOLDER: parent = '', KVS_PACKAGE_TARBALL: tarball = '' } = process.env;

/** The paths in a package that npm has packed, without the hashes in names of the inspector's page: they depend on where it was built. */
async function filesOf(path: string): Promise<string[]> {
  const { stdout } = await run('tar', ['-tzf', path], { maxBuffer: 1 << 26 });
  return stdout
    .trim()
    .split('\n')
    .map((path) => path.replace(/(dist\/view\/assets\/.*)-[\w-]{8}\./, '$1.'))
    .sort();
}

describe.skipIf(IS_QUICK)('a clone of the repository', () => {
  const clone = join(parent, 'clone');
  beforeAll(async () => {
    // What is not committed is not in it.
    await run('git', ['clone', '--quiet', resolve('.'), clone]);
  });

  it('is built by `npm pack`, into the same package', async () => {
    const copy = join(parent, 'packed-clone');
    await run('git', ['clone', '--quiet', clone, copy]);
    await run('npm', ['ci', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'], { cwd: copy });
    const { stdout } = await run('npm', ['pack', '--silent'], { cwd: copy, maxBuffer: 1 << 26 });
    const packed = join(copy, stdout.trim().split('\n').at(-1) ?? '');
    expect(await filesOf(packed)).toEqual(await filesOf(tarball));
  });

  it('is installed by `npm install git+file:…`, built, with its command', async () => {
    const project = await Project.make('git', [], {}, '', `git+${pathToFileURL(clone).href}`);
    project.write('all.mjs', `console.log(Object.keys(await import('kvs-parser/mp4')).includes('remuxToMp4'));\n`);
    expect((await project.run('node', ['all.mjs'])).stdout).toBe('true\n');
    const { version }: { version: string } = JSON.parse(readFileSync('package.json', 'utf8'));
    expect((await project.run('kvs', ['--version'])).stdout).toContain(version);
    expect(existsSync(join(project.folder, 'node_modules/kvs-parser/dist/view/index.html'))).toBe(true);
  });
});
