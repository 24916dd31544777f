/** What the package is tried with: the rows of the table in docs/runtimes.md. */
export interface Subject {
  readonly kind: 'runtime' | 'bundler' | 'TypeScript';
  /** As people call it. */
  readonly name: string;
  /** The npm packages that are installed for it: the first is the subject, and its version is shown. */
  readonly packages: readonly string[];
  /** What is tried. */
  readonly what: string;
  /** Also tried by `npm run test:package -- --quick`. */
  readonly quick?: true;
}

const RUNS = 'reads, remuxes, consumes through the AWS SDK, `require()`, `kvs`';
const BUNDLES = 'bundles with the peers of GetMedia alone; the bundle runs';

export const SUBJECTS: readonly Subject[] = [
  { kind: 'runtime', name: 'Node 20', packages: ['node@20'], what: RUNS },
  { kind: 'runtime', name: 'Node 22', packages: ['node@22'], what: RUNS, quick: true },
  { kind: 'runtime', name: 'Node 24', packages: ['node@24'], what: RUNS },
  { kind: 'runtime', name: 'Bun', packages: ['bun@1'], what: 'reads, remuxes, consumes through the AWS SDK' },
  { kind: 'runtime', name: 'Deno', packages: ['deno@2'], what: 'reads, remuxes, consumes through the AWS SDK' },
  { kind: 'runtime', name: 'workerd', packages: ['miniflare@4', 'esbuild'], what: 'reads and remuxes a request body' },
  { kind: 'runtime', name: 'Jest', packages: ['jest@30'], what: 'tests that import the package as ES modules' },
  { kind: 'bundler', name: 'esbuild', packages: ['esbuild'], what: `${BUNDLES}, also in Chromium`, quick: true },
  { kind: 'bundler', name: 'Vite', packages: ['vite'], what: `${BUNDLES}, also in Chromium`, quick: true },
  { kind: 'bundler', name: 'webpack', packages: ['webpack@5'], what: `${BUNDLES}, also in Chromium` },
  {
    kind: 'bundler',
    name: 'Rollup',
    packages: ['rollup@4', '@rollup/plugin-node-resolve', '@rollup/plugin-commonjs', '@rollup/plugin-json'],
    what: BUNDLES,
  },
  { kind: 'bundler', name: 'Parcel', packages: ['parcel@2'], what: BUNDLES },
  {
    kind: 'bundler',
    name: 'Next',
    packages: ['next@16', 'react', 'react-dom'],
    what: 'builds with Turbopack and with webpack',
  },
  ...['5.4', '5.9', '6', '7'].map(
    (version, index): Subject => ({
      kind: 'TypeScript',
      name: `TypeScript ${version}`,
      packages: [`typescript@${version}`],
      what: 'every entry with `skipLibCheck: false`; with and without the DOM library and `@types/node`',
      ...(index === 0 || index === 3 ? { quick: true } : {}),
    }),
  ),
];

/** What is tried in this run. */
export function chosen(kind: Subject['kind']): readonly Subject[] {
  const { KVS_PACKAGE_QUICK } = process.env;
  const quick = KVS_PACKAGE_QUICK === '1';
  return SUBJECTS.filter((subject) => subject.kind === kind && (!quick || subject.quick === true));
}
