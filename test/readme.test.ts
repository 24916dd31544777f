import { execFile } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { bundleForBrowser, openBrowser } from './support/browser.js';
import { blocksOf, type DocBlock, proseOf } from './support/doc-blocks.js';
import { describeNeeding, packages, tools } from './support/tools.js';

const run = promisify(execFile);
/** Within the package, so that `kvs-parser` is the built package itself. */
const FOLDER = '.cache/examples';
/** Like a project that has the package installed, where the examples run: what they read of the package has to be in it. */
const PROJECT = '.cache/examples/project';
const RECORDING = 'examples/recording/camera.mkv';
/** The recordings of their own that readers of some examples need, by the names in the pages. */
const RECORDINGS = { 'call.mkv': 'test/cases/connect-5.mkv', 'resized.mkv': 'test/cases/sps-change--stale.mkv' };

const docs = readdirSync('docs').filter((name) => name.endsWith('.md'));
const README = 'README.md';
const pages = [README, 'CONTRIBUTING.md', 'bench/README.md', ...docs.map((name) => join('docs', name))];
const blocks = pages.flatMap(blocksOf);
const typescript = blocks.filter(({ language, use }) => language === 'ts' && use !== 'not-run');

const kinds: Readonly<Record<string, readonly DocBlock['use'][]>> = {
  ts: ['run', 'browser', 'compiled'],
  sh: ['run'],
};
/** Blocks of these languages are no programs. */
const DATA = ['json', 'text'];

describe('the blocks of code of the pages', () => {
  it('are there', () => {
    expect(typescript.length).toBeGreaterThanOrEqual(30);
  });

  it('say what the tests do with them, and why where that is not all', () => {
    const wrong = blocks.filter(
      ({ language, use }) => !DATA.includes(language) && kinds[language]?.includes(use) !== true && use !== 'not-run',
    );
    expect(wrong.map(({ name, language }) => `${name} (${language})`)).toEqual([]);
  });

  it('stand between fences: an indented block would not be looked at', () => {
    const indented = pages.filter((page) => /(^|\n)\n {4}\S/.test(proseOf(page)));
    expect(indented).toEqual([]);
  });

  it.each(blocks.filter(({ language }) => language === 'json'))('$name is JSON', ({ code }) => {
    expect(() => JSON.parse(code)).not.toThrow();
  });
});

describe('the TypeScript of the pages', () => {
  beforeAll(() => {
    rmSync(FOLDER, { recursive: true, force: true });
    mkdirSync(join(PROJECT, 'node_modules'), { recursive: true });
    symlinkSync(resolve('.'), join(PROJECT, 'node_modules/kvs-parser'), 'dir');
    for (const [name, source] of Object.entries(RECORDINGS)) copyFileSync(source, join(PROJECT, name));
    for (const { name, code } of typescript) writeFileSync(join(FOLDER, `${name}.ts`), code);
    // The package by its own name is what was built, not its sources.
    const compilerOptions = { noEmit: false, outDir: 'out', rootDir: '.', moduleDetection: 'force', paths: {} };
    const config = { extends: '../../tsconfig.json', compilerOptions, include: ['*.ts'] };
    writeFileSync(join(FOLDER, 'tsconfig.json'), JSON.stringify(config));
  });

  it('compiles against the built package', async () => {
    const compiled = run('node_modules/.bin/tsc', ['-p', FOLDER]).catch((error: { stdout: string }) => error);
    expect((await compiled).stdout).toBe('');
  });

  const { CI } = process.env;
  const decoder = [packages('@napi-rs/webcodecs'), tools('ffmpeg')].some(({ missing }) => missing === undefined);
  for (const { name, code, output, use } of typescript) {
    if (use !== 'run') continue;
    // Only these need something that `npm ci` does not install.
    const isLeftOut = code.includes('kvs-parser/decode') && !decoder && CI !== 'true';
    if (isLeftOut) console.warn(`skipped: the example ${name}: there is neither @napi-rs/webcodecs nor ffmpeg`);
    it.skipIf(isLeftOut)(`${name} runs${output === undefined ? '' : ' and prints what the text says'}`, async () => {
      const { stdout } = await run(process.execPath, [resolve(FOLDER, 'out', `${name}.js`)], { cwd: PROJECT });
      if (output !== undefined) expect(stdout).toBe(output);
    });
  }
});

describeNeeding('the TypeScript of the pages in Chromium', [tools('chromium')], () => {
  it.each(typescript.filter(({ use }) => use === 'browser'))('$name runs without an error', async ({ name }) => {
    const script = await bundleForBrowser(
      `await import('./${FOLDER}/out/${name}.js');\nReflect.set(globalThis, 'isDone', true);`,
    );
    const session = await openBrowser({
      '/': {
        type: 'text/html',
        body: '<!doctype html><video muted></video><canvas width="320" height="240"></canvas><p></p>',
      },
      // A server of the page's own that passes on what the service sends.
      '/media': { type: 'video/x-matroska', body: readFileSync(RECORDING) },
      '/script.js': { type: 'text/javascript', body: script },
    });
    try {
      await session.page.addScriptTag({ type: 'module', url: '/script.js' });
      await session.page.waitForFunction(() => Reflect.get(globalThis, 'isDone') === true);
      expect(session.errors).toEqual([]);
    } finally {
      await session.close();
    }
  });
});

describe('the commands of the pages', () => {
  it.each(blocks.filter(({ language, use }) => language === 'sh' && use === 'run'))('$name run', async (block) => {
    const cwd = makeProject();
    const PATH = [join(cwd, 'node_modules/.bin'), process.env['PATH']].join(delimiter);
    const { stdout } = await run('sh', ['-e', '-c', block.code], {
      cwd,
      env: { ...process.env, PATH },
      maxBuffer: 1 << 26,
    });
    if (block.output !== undefined) expect(stdout).toBe(block.output);
    rmSync(cwd, { recursive: true });
  });

  it('of README.md are exactly one to see it and one to test it', () => {
    const commands = readFileSync('README.md', 'utf8').match(/^npm ci && .*$/gm);
    expect(commands).toEqual(['npm ci && npm run demo', 'npm ci && npm test']);
  });
});

/** A folder with the recording and an installed package. */
function makeProject(): string {
  const folder = mkdtempSync(join(tmpdir(), 'kvs-commands-'));
  copyFileSync(RECORDING, join(folder, 'camera.mkv'));
  mkdirSync(join(folder, 'node_modules/.bin'), { recursive: true });
  symlinkSync(resolve('.'), join(folder, 'node_modules/kvs-parser'), 'dir');
  const kvs = `#!/bin/sh\nexec ${process.execPath} ${resolve('dist/cli/main.js')} "$@"\n`;
  writeFileSync(join(folder, 'node_modules/.bin/kvs'), kvs, { mode: 0o755 });
  return folder;
}
