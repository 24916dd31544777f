import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LocalKinesisVideo, startLocalKinesisVideo } from '../../src/testing/index.js';
import { openBrowser, type Route } from '../support/browser.js';
import { CONSUMED, READ, RECORDING } from './facts.js';
import { GET_MEDIA_PEERS, Project } from './project.js';
import { chosen } from './subjects.js';

let local: LocalKinesisVideo;
beforeAll(async () => {
  local = await startLocalKinesisVideo({ streams: { camera: { source: RECORDING } } });
});
afterAll(() => local.close());

/** How a bundler bundles for Node and, where that is tried, for Chromium; both leave `main.mjs` or `main.js` in the folder of that name. */
interface Recipe {
  readonly files?: Readonly<Record<string, string>>;
  readonly manifest?: object;
  readonly node: readonly string[];
  /** Whether the program names both consumers, though the package of one is missing: not every bundler lets `try` make it optional. */
  readonly namesBoth?: false;
  readonly browser?: readonly string[];
}

const REQUIRE = `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);`;

const webpack = (entry: string, target: string) => `export default {
  mode: 'production',
  target: '${target}',
  entry: './${entry}.js',
  experiments: { outputModule: true, topLevelAwait: true },
  output: { path: import.meta.dirname + '/out/${entry}', filename: 'main.mjs', module: true, chunkFormat: 'module' },
};
`;

const vite = (build: string) => `export default {
  ${build},
  logLevel: 'warn',
};
`;

const RECIPES: Readonly<Record<string, Recipe>> = {
  esbuild: {
    // As docs/runtimes.md says for AWS Lambda.
    node: [
      'esbuild',
      'node.js',
      '--bundle',
      '--platform=node',
      '--format=esm',
      `--banner:js=${REQUIRE}`,
      '--outfile=out/node/main.mjs',
    ],
    browser: [
      'esbuild',
      'browser.js',
      '--bundle',
      '--platform=browser',
      '--format=esm',
      '--outfile=out/browser/main.mjs',
    ],
  },
  Vite: {
    files: {
      'node.config.js': vite(
        `build: { ssr: 'node.js', outDir: 'out/node', rollupOptions: { output: { entryFileNames: 'main.mjs' } } }, ssr: { noExternal: true }`,
      ),
      'browser.config.js': vite(
        `build: { outDir: 'out/browser', target: 'esnext', rollupOptions: { input: 'browser.js', output: { entryFileNames: 'main.mjs' } } }`,
      ),
    },
    node: ['vite', 'build', '--config', 'node.config.js'],
    browser: ['vite', 'build', '--config', 'browser.config.js'],
  },
  webpack: {
    files: {
      'node.config.js': webpack('node', 'node20'),
      'browser.config.js': webpack('browser', 'web'),
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
      'rollup.config.js': `import commonjs from '@rollup/plugin-commonjs';
import json from '@rollup/plugin-json';
import resolve from '@rollup/plugin-node-resolve';
export default {
  input: 'node.js',
  output: { dir: 'out/node', format: 'esm', entryFileNames: 'main.mjs' },
  plugins: [resolve({ preferBuiltins: true, exportConditions: ['node'] }), commonjs(), json()],
};
`,
    },
    node: ['rollup', '-c'],
  },
  Parcel: {
    files: { 'out/node/package.json': '{ "type": "commonjs" }' },
    manifest: {
      // As docs/runtimes.md says.
      '@parcel/resolver-default': { packageExports: true },
      alias: { '@aws-sdk/client-kinesis-video-archived-media': false },
      targets: {
        bundle: {
          source: 'node-live.js',
          distDir: 'out/node',
          context: 'node',
          outputFormat: 'commonjs',
          includeNodeModules: true,
          optimize: false,
          engines: { node: '>= 20' },
        },
      },
    },
    namesBoth: false,
    node: ['parcel', 'build', '--target', 'bundle', '--no-cache', '--no-scope-hoist'],
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

  it('bundles for Node with the peers of GetMedia alone, and the bundle runs without node_modules', async () => {
    const [program = '', ...args] = recipe.node;
    await project.run(program, args);
    const folder = join(project.folder, 'out/node');
    const main = readdirSync(folder).find((file) => /^(main|node(-live)?)\.m?js$/.test(file));
    expect(main).toBeDefined();
    const { stdout } = await project.run('node', [join(folder, main!)], {
      ENDPOINT: local.endpoint,
      RECORDING: resolve(RECORDING),
    });
    const { missing, ...live } = CONSUMED;
    expect(JSON.parse(stdout)).toEqual({ ...READ, ...live, ...(recipe.namesBoth === false ? {} : { missing }) });
  });

  it.runIf(recipe.browser)('bundles for browsers, and the bundle runs in Chromium', async () => {
    const [program = '', ...args] = recipe.browser ?? [];
    await project.run(program, args);
    const folder = join(project.folder, 'out/browser');
    const routes: Record<string, Route> = {
      '/': { type: 'text/html', body: '<!doctype html><script type="module" src="/main.mjs"></script>' },
      '/camera.mkv': { type: 'video/x-matroska', body: readFileSync(RECORDING) },
    };
    for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (/\.m?js$/.test(file))
        routes[`/${file}`] = { type: 'text/javascript', body: readFileSync(join(folder, file)) };
    }
    const { page, errors, close } = await openBrowser(routes);
    try {
      await page.waitForFunction('globalThis.result !== undefined', undefined, { timeout: 60_000 });
      const result = await page.evaluate<string>('globalThis.result');
      expect(JSON.parse(result)).toEqual({ ...READ, consumer: 'function' });
    } catch (error) {
      throw new Error(errors.join('\n'), { cause: error });
    } finally {
      await close();
    }
  });
});

describe.each(chosen('bundler').filter(({ name }) => name === 'Next'))('$name', ({ name, packages }) => {
  it('builds with Turbopack and with webpack, and the routes of both run', async () => {
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
import { useEffect, useState } from 'react';
export default function Page() {
  const [text, setText] = useState('');
  useEffect(() => void import('../browser.js').then(() => setText(globalThis.result)), []);
  return <p>{text}</p>;
}
`,
    );
    project.write(
      'app/facts/route.js',
      `import { readFileSync } from 'node:fs';
import { consume } from '../../consume.js';
import { read } from '../../story.js';
export const dynamic = 'force-static';
export async function GET() {
  const { ENDPOINT, RECORDING } = process.env;
  const bytes = new Uint8Array(readFileSync(RECORDING));
  return Response.json({ ...(await read(bytes)), ...(await consume(ENDPOINT)) });
}
`,
    );
    const env = { ENDPOINT: local.endpoint, RECORDING: resolve(RECORDING), NEXT_TELEMETRY_DISABLED: '1' };
    for (const bundler of ['--turbopack', '--webpack']) {
      await project.run('next', ['build', bundler], env);
      const body = Buffer.from(project.read('.next/server/app/facts.body')).toString();
      expect(JSON.parse(body), bundler).toEqual({ ...READ, ...CONSUMED });
    }
  });
});
