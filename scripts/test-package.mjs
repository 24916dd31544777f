// npm run test:package -- [--quick] [--only NAME] [--write]
//
// Packs the package and tries the tarball in fresh projects, with every runtime, bundler and TypeScript version of test/package/subjects.ts.
// Each is installed from npm into a temporary folder, which is removed. `--write` puts the versions that passed into docs/runtimes.md.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';

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

const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', parent];
if (!existsSync('dist/index.js')) throw new Error('not built: npm run build comes first');
const [{ filename }] = JSON.parse(execFileSync('npm', pack, { encoding: 'utf8' }));

const args = ['vitest', 'run', '--config', 'test/package/vitest.config.ts'];
if (values.only !== undefined) args.push('-t', values.only);
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

if (status === 0 && values.write) await writeTable();
if (values.keep) console.log(`the projects are in ${parent}`);
else rmSync(parent, { recursive: true, force: true });
process.exitCode = status ?? 1;

/** The table of docs/runtimes.md: the subjects, each with the version that has passed now, or with the one before. */
async function writeTable() {
  const bundle = await build({ entryPoints: ['test/package/subjects.ts'], bundle: true, format: 'esm', write: false });
  const { SUBJECTS } = await import(`data:text/javascript,${encodeURIComponent(bundle.outputFiles[0].text)}`);
  const page = readFileSync('docs/runtimes.md', 'utf8');
  const row = /^\| (.*?)( \*)? +\| +([\d.]*) *\| .*\|$/gm;
  const versions = new Map([...page.matchAll(row)].map(([, name, , version]) => [name.trim(), version]));
  if (existsSync(noted)) {
    for (const line of readFileSync(noted, 'utf8').trim().split('\n')) versions.set(...JSON.parse(line));
  }
  const rows = SUBJECTS.map(
    ({ name, what, quick }) => `| ${name}${quick ? ' *' : ''} | ${versions.get(name) ?? ''} | ${what} |`,
  );
  const table = ['| what | version | what is tried |', '| --- | --- | --- |', ...rows].join('\n');
  writeFileSync('docs/runtimes.md', page.replace(/^\| what [\s\S]*?\n(?!\|)/m, `${table}\n`));
  execFileSync('npx', ['biome', 'format', '--write', 'docs/runtimes.md']);
}
