import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, normalize } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { blocksOf } from './support/doc-blocks.js';

interface Packed {
  readonly files: readonly { readonly path: string }[];
}

const packed: readonly Packed[] = JSON.parse(
  execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { encoding: 'utf8' }),
);
const files = new Set(packed.flatMap((one) => one.files.map(({ path }) => path)));

it('the package has what a reader of it needs', () => {
  for (const path of [
    'README.md',
    'LICENSE',
    'NOTICE',
    'CHANGELOG.md',
    'SECURITY.md',
    'examples/recording/camera.mkv',
    'dist/index.js',
    'dist/index.d.ts',
    'dist/cli/main.js',
  ]) {
    expect(files, path).toContain(path);
  }
});

it('links between its pages lead to files in it', () => {
  const pages = [...files].filter((path) => path.endsWith('.md'));
  const links = pages.flatMap((page) =>
    [...readFileSync(page, 'utf8').matchAll(/\]\((?![a-z]+:|#)([^)#\s]+)[^)]*\)/g)].map(
      ([, target = '']) => [page, normalize(join(dirname(page), target))] as const,
    ),
  );
  expect(links.length).toBeGreaterThan(10);
  for (const [page, target] of links) {
    const isThere = files.has(target) || [...files].some((path) => path.startsWith(`${target}/`));
    expect(isThere, `${page}: ${target}`).toBe(true);
  }
});

it('has the files that the examples of its pages read', () => {
  const examples = [...files].filter((path) => path.endsWith('.md')).flatMap(blocksOf);
  const paths = examples.flatMap(({ name, code }) =>
    [...code.matchAll(/node_modules\/kvs-parser\/([\w./-]+)/g)].map(([, path = '']) => [name, path] as const),
  );
  expect(paths.length).toBeGreaterThan(10);
  for (const [name, path] of paths) expect(files, name).toContain(path);
});

it('has the notices and licences of what it depends on, and of what is built into it', () => {
  const notice = readFileSync('NOTICE', 'utf8');
  const { dependencies }: { dependencies: object } = JSON.parse(readFileSync('package.json', 'utf8'));
  for (const name of [...Object.keys(dependencies), 'hls.js']) expect(notice).toContain(`- ${name} (https://`);
  const [, list = ''] = /(dist\/view\/\S+\.md)/.exec(notice) ?? [];
  expect(files).toContain(list);
  const sections = readFileSync(list, 'utf8').split('\n## ').slice(1);
  const named = sections.map((section) => section.slice(0, section.indexOf(' - ')));
  const imported = readdirSync('src/view', { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.tsx?$/.test(file))
    .flatMap((file) => [
      ...readFileSync(join('src/view', file), 'utf8').matchAll(/^(?:import|export).* from '([^.'][^']*)'/gm),
    ])
    .map(([, specifier = '']) =>
      specifier
        .split('/')
        .slice(0, specifier.startsWith('@') ? 2 : 1)
        .join('/'),
    );
  expect(named).toEqual(expect.arrayContaining([...new Set([...imported, 'mp4box'])]));
  for (const section of sections) expect(section).toMatch(/copyright/i);
});

it('all entries are built', () => {
  const { exports }: { exports: Record<string, string | Record<string, string>> } = JSON.parse(
    readFileSync('package.json', 'utf8'),
  );
  const targets = Object.values(exports).flatMap((entry) => (typeof entry === 'string' ? entry : Object.values(entry)));
  expect(targets.length).toBeGreaterThan(8);
  for (const target of targets) expect(files, target).toContain(normalize(target));
});

it('all entries load with require()', () => {
  const code = `const { exports: entries } = require('kvs-parser/package.json');
for (const entry of Object.keys(entries)) console.log(entry, Object.keys(require('kvs-parser' + entry.slice(1))).length > 0);`;
  const printed = execFileSync(process.execPath, ['--no-warnings', '-e', code], { encoding: 'utf8' });
  const { exports: entries }: { exports: object } = JSON.parse(readFileSync('package.json', 'utf8'));
  expect(printed.trim().split('\n')).toEqual(Object.keys(entries).map((entry) => `${entry} true`));
});

it('declarations use nothing that TypeScript 5.4 lacks', () => {
  // npm run test:package compiles with that version; this finds what is easily written by habit.
  for (const path of [...files].filter((file) => file.endsWith('.d.ts'))) {
    const code = readFileSync(path, 'utf8').replaceAll(/\/\*\*.*?\*\//gs, '');
    expect(
      /\b(AsyncIterableIterator|IterableIterator)<[^;]*?, undefined>|\b(Uint8Array|Buffer)</.exec(code)?.[0],
      path,
    ).toBe(undefined);
  }
});

const folder = mkdtempSync(join(tmpdir(), 'kvs-release-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('SECURITY.md names only fields that a release must have', () => {
  const { stderr } = check((manifest) => {
    delete manifest['repository'];
  })();
  const [, field = ''] = /`(\w+)` in `package.json`/.exec(readFileSync('SECURITY.md', 'utf8')) ?? [];
  expect(stderr).toContain(`package.json: ${field} is the owner's to fill in`);
});

function check(change: (manifest: Record<string, unknown>) => void = () => {}) {
  for (const name of ['package.json', 'package-lock.json', 'CHANGELOG.md', 'LICENSE']) cpSync(name, join(folder, name));
  const path = join(folder, 'package.json');
  const manifest: Record<string, unknown> = JSON.parse(readFileSync(path, 'utf8'));
  change(manifest);
  writeFileSync(path, JSON.stringify(manifest));
  return () => spawnSync(process.execPath, ['scripts/release-check.mjs', folder], { encoding: 'utf8' });
}

it('a release lacks nothing but what only its owner knows', () => {
  const { status, stderr } = check((manifest) => {
    for (const field of ['repository', 'homepage', 'bugs']) delete manifest[field];
  })();
  expect(status).toBe(1);
  const lacking = stderr.split('\n').filter((line) => !line.startsWith('CHANGELOG.md: no section'));
  expect(lacking.slice(0, -2)).toEqual(
    ['repository', 'homepage', 'bugs'].map((field) => `package.json: ${field} is the owner's to fill in`),
  );
});

it.each(['package-lock.json', 'site/package-lock.json'])('%s has the integrity of all, and no addresses', (path) => {
  const { packages }: { packages: Record<string, { integrity?: string; resolved?: string }> } = JSON.parse(
    readFileSync(path, 'utf8'),
  );
  const { '': _, ...others } = packages;
  expect(Object.keys(others).length).toBeGreaterThan(100);
  for (const [name, { integrity, resolved }] of Object.entries(others)) {
    expect(integrity, name).toMatch(/^sha512-/);
    expect(resolved, name).toBeUndefined();
  }
});

it('a release with all of it is ready, and one with a hole in the lock file is not', () => {
  const run = check((manifest) => {
    Object.assign(manifest, {
      repository: { type: 'git', url: 'git+https://example.org/owner/kvs-parser.git' },
      homepage: 'https://example.org/owner/kvs-parser#readme',
      bugs: { url: 'https://example.org/owner/kvs-parser/issues' },
    });
  });
  const { version }: { version: string } = JSON.parse(readFileSync('package.json', 'utf8'));
  writeFileSync(join(folder, 'CHANGELOG.md'), `# Changelog\n\n## [${version}] - 2026-01-01\n`);
  expect(run()).toMatchObject({ status: 0 });
  const path = join(folder, 'package-lock.json');
  const lock = readFileSync(path, 'utf8');
  writeFileSync(path, lock.replace(/\n *"integrity": .*/, ''));
  expect(run().stderr).toContain('no integrity of');
  writeFileSync(path, lock.replace(/("integrity": ")/, '"resolved": "https://example.org/x.tgz", $1'));
  expect(run().stderr).toContain('the address of a registry');
});

it('CONTRIBUTING.md names every script, and no others', () => {
  const { scripts }: { scripts: Record<string, string> } = JSON.parse(readFileSync('package.json', 'utf8'));
  // npm runs these itself.
  const own = Object.keys(scripts).filter((name) => !/^(prepare|prepack|prepublishOnly)$/.test(name));
  const page = readFileSync('CONTRIBUTING.md', 'utf8');
  const named = [...page.matchAll(/`npm run ([\w:-]+)/g)].map(([, name = '']) => name);
  expect([...new Set([...named, 'test'])].sort()).toEqual(own.sort());
  expect(page).toContain('`npm test`');
});

it('a checkout is built once, when it is installed', () => {
  expect(existsSync('dist/index.js')).toBe(true);
  expect(execFileSync(process.execPath, ['scripts/prepare.mjs'], { encoding: 'utf8' })).toBe('');
});
