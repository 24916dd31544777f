// npm run test:package -- [--quick] [--only NAME] [--write]
//
// Packs the package and tries the tarball in fresh projects, with every runtime, bundler and TypeScript version of test/package/subjects.ts.
// Each is installed from npm into a temporary folder, which is removed. What has run must be what docs/runtimes.md says: `--write` notes it in
// test/package/results.json, and makes the table anew.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { passedOf, RESULTS, readResults, tableRows } from './runtimes-table.mjs';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean' },
    only: { type: 'string' },
    write: { type: 'boolean' },
    keep: { type: 'boolean' },
  },
});
const parent = mkdtempSync(join(tmpdir(), 'kvs-package-'));
const noted = join(parent, 'versions.jsonl');
const report = join(parent, 'report.json');

const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', parent];
if (!existsSync('dist/index.js')) throw new Error('not built: npm run build comes first');
const [{ filename }] = JSON.parse(execFileSync('npm', pack, { encoding: 'utf8' }));

const args = ['vitest', 'run', '--config', 'test/package/vitest.config.ts'];
args.push('--reporter=verbose', '--reporter=json', `--outputFile.json=${report}`);
// The whole suite of that name, so that what is noted of it is complete.
if (values.only !== undefined) args.push('-t', `^'?${values.only.replaceAll('.', '\\.')}\\b`);
const { status } = spawnSync('npx', args, {
  stdio: 'inherit',
  env: {
    ...process.env,
    KVS_PACKAGE_FOLDER: parent,
    KVS_PACKAGE_TARBALL: join(parent, filename),
    KVS_PACKAGE_VERSIONS: noted,
    KVS_PACKAGE_QUICK: values.quick ? '1' : '0',
  },
});
process.exitCode = status ?? 1;

if (status === 0) {
  const subjects = await readSubjects();
  const ran = resultsOf(subjects);
  if (values.write) writeTable(subjects, ran);
  else compare(ran);
}
if (values.keep) console.log(`the projects are in ${parent}`);
else rmSync(parent, { recursive: true, force: true });

async function readSubjects() {
  const bundle = await build({ entryPoints: ['test/package/subjects.ts'], bundle: true, format: 'esm', write: false });
  const { SUBJECTS } = await import(`data:text/javascript,${encodeURIComponent(bundle.outputFiles[0].text)}`);
  return SUBJECTS;
}

/** What has run now. */
function resultsOf(subjects) {
  const lines = existsSync(noted) ? readFileSync(noted, 'utf8').trim().split('\n') : [];
  const versions = new Map(lines.map((line) => JSON.parse(line)));
  const date = new Date().toISOString().slice(0, 10);
  const passed = passedOf(JSON.parse(readFileSync(report, 'utf8')), subjects);
  return [...passed].map(([name, titles]) => ({ name, version: versions.get(name), passed: titles, date }));
}

/** What the table says of a subject that has run must be what has run. Newer versions come out every day; they are told. */
function compare(ran) {
  const told = new Map(readResults().map((result) => [result.name, result]));
  for (const { name, version, passed } of ran) {
    const before = told.get(name);
    if (before?.version !== version)
      console.log(`${name}: ${version} has passed, docs/runtimes.md has ${before?.version}`);
    // A quick run leaves out some of the tests.
    const isTold = passed.every((title) => before?.passed.includes(title));
    if (isTold && (values.quick || before?.passed.length === passed.length)) continue;
    console.error(`${name}: docs/runtimes.md does not say what has run: npm run test:package -- --write`);
    process.exitCode = 1;
  }
}

function writeTable(subjects, ran) {
  const names = new Set(ran.map(({ name }) => name));
  const all = [...ran, ...readResults().filter(({ name }) => !names.has(name))];
  const results = subjects.flatMap(({ name }) => all.find((result) => result.name === name) ?? []);
  writeFileSync(RESULTS, `${JSON.stringify(results, undefined, 2)}\n`);
  const rows = tableRows(subjects, results).map((cells) => `| ${cells.join(' | ')} |`);
  const table = ['| with | version | what has run | when |', '| --- | --- | --- | --- |', ...rows].join('\n');
  const page = readFileSync('docs/runtimes.md', 'utf8');
  writeFileSync(
    'docs/runtimes.md',
    page.replace(/^\| with [\s\S]*?\n(?!\|)/m, () => `${table}\n`),
  );
  execFileSync('npx', ['biome', 'format', '--write', 'docs/runtimes.md', RESULTS]);
}
