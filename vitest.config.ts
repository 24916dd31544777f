import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const { CI } = process.env;

/** Media plays in them, or what they wait for needs the machine to itself. They run one at a time, after the others. */
const ALONE = [
  'test/bench.test.ts',
  'test/browser/**/*.test.ts',
  'test/client/local-endpoint.test.ts',
  'test/fleet/**/*.test.ts',
  'test/hls/players.test.ts',
  'test/mp4/mse-*.test.ts',
  'test/recipes/live-player.test.ts',
  'test/site/site.test.ts',
  'test/view/page.test.ts',
];

export default defineConfig({
  // What the recipes in examples import is what is tested.
  resolve: {
    alias: [
      { find: /^kvs-parser$/, replacement: fileURLToPath(new URL('src/index.ts', import.meta.url)) },
      { find: /^kvs-parser\/hls\/node$/, replacement: fileURLToPath(new URL('src/hls/node.ts', import.meta.url)) },
      { find: /^kvs-parser\/(\w+)$/, replacement: `${fileURLToPath(new URL('src', import.meta.url))}/$1/index.ts` },
    ],
  },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'together',
          include: ['test/**/*.test.ts'],
          // They install packages from npm: npm run test:package.
          exclude: ['test/package/**', ...ALONE],
          maxWorkers: Math.max(2, Math.min(4, availableParallelism())),
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { name: 'alone', include: ALONE, maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
    ],
    setupFiles: ['test/support/seed.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // .ci/run reads how many tests there were.
    reporters: CI === 'true' ? ['default', ['json', { outputFile: '.cache/test-results.json' }]] : ['default'],
  },
});
