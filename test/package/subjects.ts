/** What the package is tried with: the rows of the table in docs/runtimes.md, whose suites have these names. */
export interface Subject {
  readonly kind: 'runtime' | 'bundler' | 'TypeScript';
  /** As people call it. */
  readonly name: string;
  /** The npm packages that are installed for it. The first is the subject, whose version is shown; but Chromium is the one of the machine. */
  readonly packages: readonly string[];
  /** Also tried by `npm run test:package -- --quick`. */
  readonly quick?: true;
}

export const SUBJECTS: readonly Subject[] = [
  // The oldest that `engines` of package.json takes.
  { kind: 'runtime', name: 'Node 20.19', packages: ['node@20.19.0'] },
  { kind: 'runtime', name: 'Node 20', packages: ['node@20'] },
  { kind: 'runtime', name: 'Node 22', packages: ['node@22'], quick: true },
  { kind: 'runtime', name: 'Node 24', packages: ['node@24'] },
  { kind: 'runtime', name: 'Bun', packages: ['bun@1'] },
  { kind: 'runtime', name: 'Deno', packages: ['deno@2'] },
  { kind: 'runtime', name: 'workerd', packages: ['miniflare@4', 'esbuild'] },
  { kind: 'runtime', name: 'Chromium', packages: ['esbuild'] },
  { kind: 'runtime', name: 'Jest', packages: ['jest@30'] },
  { kind: 'bundler', name: 'esbuild', packages: ['esbuild'], quick: true },
  { kind: 'bundler', name: 'Vite', packages: ['vite'], quick: true },
  { kind: 'bundler', name: 'webpack', packages: ['webpack@5'] },
  {
    kind: 'bundler',
    name: 'Rollup',
    packages: ['rollup@4', '@rollup/plugin-node-resolve', '@rollup/plugin-commonjs', '@rollup/plugin-json'],
  },
  { kind: 'bundler', name: 'Parcel', packages: ['parcel@2', 'buffer'] },
  {
    kind: 'bundler',
    name: 'Next',
    packages: ['next@16', 'react', 'react-dom'],
  },
  ...['5.4', '5.9', '6', '7'].map(
    (version, index): Subject => ({
      kind: 'TypeScript',
      name: `TypeScript ${version}`,
      packages: [`typescript@${version}`],
      ...(index === 0 || index === 3 ? { quick: true } : {}),
    }),
  ),
];

/** Whether this is `npm run test:package -- --quick`. */
export const IS_QUICK = process.env['KVS_PACKAGE_QUICK'] === '1';

/** What is tried in this run. */
export function chosen(kind: Subject['kind']): readonly Subject[] {
  return SUBJECTS.filter((subject) => subject.kind === kind && (!IS_QUICK || subject.quick === true));
}
