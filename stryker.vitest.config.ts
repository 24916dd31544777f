import { defineConfig } from 'vitest/config';

const { MUTATION_TESTS = 'test/{ebml,mkv,visitors,fragments,merge}/**/*.test.ts' } = process.env;

/**
 * The tests that mutants are held against: those of the core that need no tool, no browser and little time. MUTATION_TESTS names fewer of
 * them, for a file that has its own.
 */
export default defineConfig({
  test: {
    include: MUTATION_TESTS.split(' '),
    exclude: [
      '**/{realm,streaming,captures,judges,mkvinfo,memory,frames-oracle,ffprobe,made-files,recovery}.test.ts',
      'test/mkv/codec/{audio,codec-string-oracle,h264,h265}.test.ts',
    ],
    setupFiles: ['test/support/stop-at-first-failure.ts'],
    testTimeout: 60_000,
    maxWorkers: 1,
  },
});
