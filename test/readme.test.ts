import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { packages, tools } from './support/tools.js';

const run = promisify(execFile);
/** Within the package, so that `kvs-parser` is the built package itself. */
const FOLDER = '.cache/examples';
/** Like a project that has the package installed: the examples of README.md run there. */
const PROJECT = '.cache/examples/project';

interface Example {
  /** Of the file that it is written to, without extension. */
  readonly name: string;
  /** Where it is run. */
  readonly folder: string;
  readonly code: string;
  /** What the text says that it prints. */
  readonly output: string | undefined;
}

function pages(): string[] {
  const docs = readdirSync('.').includes('docs') ? readdirSync('docs') : [];
  return ['README.md', ...docs.filter((name) => name.endsWith('.md')).map((name) => join('docs', name))];
}

function examplesOf(page: string): Example[] {
  const fences = /^```ts\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?/gms;
  return [...readFileSync(page, 'utf8').matchAll(fences)].map(([, code = '', output], i) => ({
    name: `${basename(page, '.md')}-${i + 1}`,
    folder: page === 'README.md' ? PROJECT : '.',
    code,
    output,
  }));
}

const examples = pages().flatMap(examplesOf);

describe('the examples of README.md and docs', () => {
  beforeAll(() => {
    rmSync(FOLDER, { recursive: true, force: true });
    mkdirSync(join(PROJECT, 'node_modules'), { recursive: true });
    symlinkSync(resolve('.'), join(PROJECT, 'node_modules/kvs-parser'), 'dir');
    for (const { name, code } of examples) writeFileSync(join(FOLDER, `${name}.ts`), code);
    // The package by its own name is what was built, not its sources.
    const compilerOptions = { noEmit: false, outDir: 'out', rootDir: '.', moduleDetection: 'force', paths: {} };
    const config = { extends: '../../tsconfig.json', compilerOptions, include: ['*.ts'] };
    writeFileSync(join(FOLDER, 'tsconfig.json'), JSON.stringify(config));
  });

  it('are there', () => {
    expect(examples.length).toBeGreaterThanOrEqual(3);
  });

  it('compile against the built package', async () => {
    const compiled = run('node_modules/.bin/tsc', ['-p', FOLDER]).catch((error: { stdout: string }) => error);
    expect((await compiled).stdout).toBe('');
  });

  const { CI } = process.env;
  const decoder = [packages('@napi-rs/webcodecs'), tools('ffmpeg')].some(({ missing }) => missing === undefined);
  for (const { name, folder, code, output } of examples) {
    // Only these need something that `npm ci` does not install.
    const isLeftOut = code.includes('kvs-parser/decode') && !decoder && CI !== 'true';
    if (isLeftOut) console.warn(`skipped: the example ${name}: there is neither @napi-rs/webcodecs nor ffmpeg`);
    it.skipIf(isLeftOut)(`${name} runs${output === undefined ? '' : ' and prints what the text says'}`, async () => {
      const { stdout } = await run(process.execPath, [resolve(FOLDER, 'out', `${name}.js`)], { cwd: folder });
      if (output !== undefined) expect(stdout).toBe(output);
    });
  }
});

describe('the commands of README.md', () => {
  it('names exactly one command to see it and one to test it', () => {
    const commands = readFileSync('README.md', 'utf8').match(/^npm ci && .*$/gm);
    expect(commands).toEqual(['npm ci && npm run demo', 'npm ci && npm test']);
  });
});
