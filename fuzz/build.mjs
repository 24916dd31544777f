// Bundles what is named into .cache/NAME.mjs, the fuzzer when nothing is: `node fuzz/build.mjs fuzz-files`. There is a
// counter behind every statement and branch of src/: they guide the fuzzers, and are the work that the probe counts.
import { readFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, transform } from 'esbuild';
import { createInstrumenter } from 'istanbul-lib-instrument';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const source = join(root, 'src');
const notCounted = ['testing', 'client'].map((room) => join(source, room) + sep);

const ENTRIES = {
  fuzz: 'fuzz/main.ts',
  'fuzz-files': 'fuzz/files/main.ts',
  probe: 'fuzz/probe/main.ts',
};
const name = process.argv[2] ?? 'fuzz';
const entry = ENTRIES[name];
if (entry === undefined) throw new Error(`${name} is none of ${Object.keys(ENTRIES).join(', ')}`);

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
      if (!path.startsWith(source + sep) || notCounted.some((folder) => path.startsWith(folder))) return undefined;
      const text = await readFile(path, 'utf8');
      const { code } = await transform(text, { loader: 'ts', target: 'es2022', format: 'esm' });
      return { contents: instrumenter.instrumentSync(code, relative(root, path)), loader: 'js' };
    });
  },
};

await build({
  entryPoints: [join(root, entry)],
  outfile: join(root, '.cache', `${name}.mjs`),
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'es2022',
  logLevel: 'warning',
  plugins: [counters],
});
