// npm run test:package -- [--quick] [--only NAME] [--write]
//
// Packs the package and tries the tarball in fresh projects, with every runtime, bundler and TypeScript version of test/package/subjects.ts.
// Each is installed from npm into a temporary folder, which is removed. `--write` puts the versions that passed into docs/runtimes.md.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

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

if (status === 0 && values.write && existsSync(noted)) {
  const page = readFileSync('docs/runtimes.md', 'utf8');
  const versions = new Map(
    readFileSync(noted, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  );
  const written = page.replaceAll(/^\| ([^|]+?) +\| +[\d.]* +\|/gm, (row, name) => {
    const version = versions.get(name);
    return version === undefined ? row : `| ${name} | ${version} |`;
  });
  writeFileSync('docs/runtimes.md', written);
  execFileSync('npx', ['biome', 'format', '--write', 'docs/runtimes.md']);
}
if (values.keep) console.log(`the projects are in ${parent}`);
else rmSync(parent, { recursive: true, force: true });
process.exitCode = status ?? 1;
