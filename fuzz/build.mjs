// Bundles the fuzzer into .cache/fuzz.mjs, with a counter behind every statement and branch of src/: they are what guides it.
import { readFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, transform } from 'esbuild';
import { createInstrumenter } from 'istanbul-lib-instrument';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const source = join(root, 'src');
const notFuzzed = ['testing', 'client', 'cli'].map((room) => join(source, room) + sep);

const counters = {
  name: 'counters',
  setup({ onLoad }) {
    const instrumenter = createInstrumenter({
      esModules: true,
      compact: false,
      coverageVariable: '__fuzzCounters__',
      reportLogic: false,
    });
    onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      if (!path.startsWith(source + sep) || notFuzzed.some((folder) => path.startsWith(folder))) return undefined;
      const text = await readFile(path, 'utf8');
      const { code } = await transform(text, { loader: 'ts', target: 'es2022', format: 'esm' });
      return { contents: instrumenter.instrumentSync(code, relative(root, path)), loader: 'js' };
    });
  },
};

await build({
  entryPoints: [join(root, 'fuzz', 'main.ts')],
  outfile: join(root, '.cache', 'fuzz.mjs'),
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'es2022',
  logLevel: 'warning',
  plugins: [counters],
});
