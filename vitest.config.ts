import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const { CI } = process.env;

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
    include: ['test/**/*.test.ts'],
    // They install packages from npm: npm run test:package.
    exclude: ['test/package/**'],
    setupFiles: ['test/support/seed.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // .ci/run reads how many tests there were.
    reporters: CI === 'true' ? ['default', ['json', { outputFile: '.cache/test-results.json' }]] : ['default'],
  },
});
