import { defineConfig } from 'vitest/config';

/** The tests that mutants are held against: those of the core that need no tool, no browser and little time. */
export default defineConfig({
  test: {
    include: ['test/{mkv,visitors,fragments,merge}/**/*.test.ts'],
    exclude: [
      '**/{realm,streaming,captures,judges,mkvinfo,memory,frames-oracle,ffprobe,made-files,recovery}.test.ts',
      'test/mkv/codec/{audio,h264,h265}.test.ts',
    ],
    testTimeout: 60_000,
    maxWorkers: 1,
  },
});
