import type { ChildProcess } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LocalKinesisVideo, startLocalKinesisVideo } from '../../src/testing/index.js';
import { openBrowser, type Route } from '../support/browser.js';
import { blocksOf } from '../support/doc-blocks.js';
import { CONSUMED, ENTRIES, READ, READ_IN_PAGE, RECORDING } from './facts.js';
import { GET_MEDIA_PEERS, Project } from './project.js';
import { chosen } from './subjects.js';

let local: LocalKinesisVideo;
beforeAll(async () => {
  local = await startLocalKinesisVideo({ streams: { camera: { source: RECORDING } } });
});
afterAll(() => local.close());

/** How a bundler bundles for Node, and for browsers: into the folders `out/node` and `out/browser`, with a file for each program. */
interface Recipe {
  readonly files?: Readonly<Record<string, string>>;
  readonly manifest?: object;
  readonly node: readonly string[];
  readonly browser: readonly string[];
  /** The program for Node. By default it names both consumers, though the package of one is missing: not every bundler lets `try` make it optional. */
  readonly program?: 'node-live';
  /** What an optional package is that the bundler was told to leave out. */
  readonly leftOut?: 'PeerBroken';
}

const REQUIRE = `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);`;

const webpack = (target: string, entries: readonly string[]) => `export default {
  mode: 'production',
  target: '${target}',
  entry: ${JSON.stringify(Object.fromEntries(entries.map((entry) => [entry, `./${entry}.js`])))},
  experiments: { outputModule: true },
  output: { path: import.meta.dirname + '/out/${target === 'web' ? 'browser' : 'node'}', filename: '[name].mjs', module: true, chunkFormat: 'module' },
};
`;

const vite = (build: string) => `export default {
  ${build},
  logLevel: 'warn',
};
`;

const rollup = (
  folder: string,
  input: readonly string[],
  options: string,
) => `import commonjs from '@rollup/plugin-commonjs';
import json from '@rollup/plugin-json';
import resolve from '@rollup/plugin-node-resolve';
export default {
  input: ${JSON.stringify(input)},
  output: { dir: 'out/${folder}', format: 'esm', entryFileNames: '[name].mjs' },
  plugins: [resolve(${options}), commonjs(), json()],
};
`;

const parcel = (folder: string, source: readonly string[], context: string) => ({
  source,
  distDir: `out/${folder}`,
  context,
  outputFormat: context === 'node' ? 'commonjs' : 'global',
  includeNodeModules: true,
  optimize: false,
  engines: context === 'node' ? { node: '>= 20' } : { browsers: 'last 2 Chrome versions' },
});

const RECIPES: Readonly<Record<string, Recipe>> = {
  esbuild: {
    node: [
      'esbuild',
      'node.js',
      'entries.js',
      '--bundle',
      '--platform=node',
      '--format=esm',
      `--banner:js=${REQUIRE}`,
      '--outdir=out/node',
      '--out-extension:.js=.mjs',
    ],
    browser: ['esbuild', 'browser.js', '--bundle', '--platform=browser', '--format=esm', '--outdir=out/browser'],
  },
  Vite: {
    files: {
      'node.config.js': vite(
        `build: { ssr: true, outDir: 'out/node', rollupOptions: { input: ['node.js', 'entries.js'], output: { entryFileNames: '[name].mjs' } } }, ssr: { noExternal: true }`,
      ),
      'browser.config.js': vite(
        `build: { outDir: 'out/browser', target: 'esnext', rollupOptions: { input: 'browser.js', output: { entryFileNames: '[name].mjs' } } }`,
      ),
    },
    node: ['vite', 'build', '--config', 'node.config.js'],
    browser: ['vite', 'build', '--config', 'browser.config.js'],
  },
  webpack: {
    files: {
      'node.config.js': webpack('node20', ['node', 'entries']),
      'browser.config.js': webpack('web', ['browser']),
      'build.js': `import webpack from 'webpack';
const { default: config } = await import('./' + process.argv[2]);
webpack(config, (error, stats) => {
  if (error || stats.hasErrors()) {
    console.error(error ?? stats.toString({ all: false, errors: true }));
    process.exit(1);
  }
});
`,
    },
    node: ['node', 'build.js', 'node.config.js'],
    browser: ['node', 'build.js', 'browser.config.js'],
  },
  Rollup: {
    files: {
      'node.config.js': rollup(
        'node',
        ['node.js', 'entries.js'],
        `{ preferBuiltins: true, exportConditions: ['node'] }`,
      ),
      'browser.config.js': rollup('browser', ['browser.js'], '{ browser: true }'),
    },
    node: ['rollup', '-c', 'node.config.js'],
    browser: ['rollup', '-c', 'browser.config.js'],
  },
  Parcel: {
    files: { 'out/node/package.json': '{ "type": "commonjs" }' },
    manifest: {
      // As docs/runtimes.md says.
      '@parcel/resolver-default': { packageExports: true },
      alias: { '@aws-sdk/client-kinesis-video-archived-media': false, bullmq: false },
      targets: {
        bundle: parcel('node', ['node-live.js', 'entries.js'], 'node'),
        page: parcel('browser', ['browser.js'], 'browser'),
      },
    },
    program: 'node-live',
    leftOut: 'PeerBroken',
    node: ['parcel', 'build', '--target', 'bundle', '--no-cache', '--no-scope-hoist'],
    browser: ['parcel', 'build', '--target', 'page', '--no-cache', '--no-scope-hoist'],
  },
};

describe.each(chosen('bundler').filter(({ name }) => name in RECIPES))('$name', ({ name, packages }) => {
  const recipe = RECIPES[name]!;
  let project: Project;
  beforeAll(async () => {
    project = await Project.make(name, [...packages, ...GET_MEDIA_PEERS], recipe.manifest);
    project.version(packages[0]!.replace(/(?<=.)@.*/, ''), name);
    for (const [path, text] of Object.entries(recipe.files ?? {})) project.write(path, text);
  });

  it('bundles all entries for Node with the peers of GetMedia alone, and the bundle runs without node_modules', async () => {
    const [builder = '', ...args] = recipe.node;
    await project.run(builder, args);
    const folder = project.alone('out/node');
    const env = { ENDPOINT: local.endpoint, RECORDING: resolve(RECORDING) };
    const run = async (program: string): Promise<unknown> => {
      const { stdout } = await project.run('node', [join(folder, fileOf(folder, program))], env);
      return JSON.parse(stdout);
    };
    const { missing, ...live } = CONSUMED;
    const { program = 'node', leftOut = 'PeerMissing' } = recipe;
    expect(await run(program)).toEqual({ ...READ, ...live, ...(program === 'node' ? { missing } : {}) });
    expect(await run('entries')).toEqual({ ...ENTRIES, queue: [true, leftOut] });
  });

  it('bundles for browsers, and the bundle runs in Chromium', async () => {
    const [builder = '', ...args] = recipe.browser;
    await project.run(builder, args);
    const folder = join(project.folder, 'out/browser');
    const script = `<!doctype html><script type="module" src="/${fileOf(folder, 'browser')}"></script>`;
    const routes: Record<string, Route> = {
      '/': { type: 'text/html', body: script },
      '/camera.mkv': { type: 'video/x-matroska', body: readFileSync(RECORDING) },
    };
    for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (/\.m?js$/.test(file))
        routes[`/${file}`] = { type: 'text/javascript', body: readFileSync(join(folder, file)) };
    }
    const { page, errors, close } = await openBrowser(routes);
    try {
      expect(await resultOf(page)).toEqual(READ_IN_PAGE);
    } catch (error) {
      throw new Error(errors.join('\n'), { cause: error });
    } finally {
      await close();
    }
  });

  it.runIf(name === 'esbuild')('bundles a function for AWS Lambda as the page says, and it runs', async () => {
    const [command] = blocksOf('docs/runtimes.md').filter(({ code }) => code.startsWith('esbuild handler.js'));
    await project.run('sh', ['-c', command?.code ?? 'false']);
    const folder = project.alone('dist');
    const call = `import { handler } from './handler.mjs';
console.log(JSON.stringify(await handler({ endpoint: '${local.endpoint}' })));
process.exit(0);
`;
    writeFileSync(join(folder, 'call.mjs'), call);
    const { stdout } = await project.run('node', [join(folder, 'call.mjs')]);
    expect(JSON.parse(stdout)).toEqual({ consumed: CONSUMED.consumed });
  });
});

/** The file that a bundler has made of a program. */
function fileOf(folder: string, program: string): string {
  const file = readdirSync(folder).find((name) => name === `${program}.mjs` || name === `${program}.js`);
  if (file === undefined) throw new Error(`${folder} has no ${program}, but ${readdirSync(folder).join(', ')}`);
  return file;
}

/** What the program in the page has found. */
async function resultOf(page: Page): Promise<unknown> {
  await page.waitForFunction('globalThis.result !== undefined', undefined, { timeout: 60_000 });
  return JSON.parse(await page.evaluate<string>('globalThis.result'));
}

describe.each(chosen('bundler').filter(({ name }) => name === 'Next'))('$name', ({ name, packages }) => {
  it('builds with Turbopack and with webpack, and the server and the page of both run', async () => {
    const project = await Project.make(name, [...packages, ...GET_MEDIA_PEERS]);
    project.version('next', name);
    project.write('next.config.js', 'export default {};\n');
    project.write(
      'app/layout.js',
      'export default function Layout({ children }) { return <html><body>{children}</body></html>; }\n',
    );
    project.write(
      'app/page.js',
      `'use client';
import { useEffect } from 'react';
export default function Page() {
  useEffect(() => void import('../browser.js'), []);
  return <p>A page</p>;
}
`,
    );
    project.write(
      'app/facts/route.js',
      `import { readFileSync } from 'node:fs';
import { consume } from '../../consume.js';
import { read } from '../../story.js';
export const dynamic = 'force-dynamic';
export async function GET() {
  const { ENDPOINT, RECORDING } = process.env;
  const bytes = new Uint8Array(readFileSync(RECORDING));
  return Response.json({ ...(await read(bytes)), ...(await consume(ENDPOINT)) });
}
`,
    );
    cpSync(RECORDING, join(project.folder, 'public/camera.mkv'));
    const env = { ENDPOINT: local.endpoint, RECORDING: resolve(RECORDING), NEXT_TELEMETRY_DISABLED: '1' };
    for (const bundler of ['--turbopack', '--webpack']) {
      await project.run('next', ['build', bundler], env);
      const server = project.start('node', ['node_modules/next/dist/bin/next', 'start', '--port', '0'], env);
      try {
        const address = await addressOf(server);
        const answer = await fetch(`${address}/facts`);
        // With webpack, Next puts an empty module in the place of a package that is not installed.
        const missing = expect.stringContaining('it is not installed, incomplete, or another version');
        const consumed = { ...CONSUMED, ...(bundler === '--webpack' ? { missing } : {}) };
        expect(await answer.json(), bundler).toEqual({ ...READ, ...consumed });
        const { page, close } = await openBrowser({});
        try {
          await page.goto(address);
          expect(await resultOf(page), bundler).toEqual(READ_IN_PAGE);
        } finally {
          await close();
        }
      } finally {
        server.kill();
      }
    }
  });
});

/** The address that a server prints. */
function addressOf(server: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let printed = '';
    server.stdout?.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
      const [address] = /http:\/\/localhost:\d+/.exec(printed) ?? [];
      if (address !== undefined) resolve(address);
    });
    server.once('close', (code) => reject(new Error(`the server has ended with code ${code}: ${printed}`)));
  });
}
