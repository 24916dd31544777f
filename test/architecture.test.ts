import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, posix, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');

/** The rooms from the ground up. A room may import itself and the floors below it, not the rooms beside it. */
const FLOORS = [
  ['ebml'],
  ['mkv'],
  ['visitors'],
  ['fragments', 'merge', 'check'],
  ['index'],
  ['mp4', 'client', 'decode'],
  ['hls', 'fleet'],
  ['testing'],
  ['cli', 'view'],
];
const CORE = ['ebml', 'mkv', 'visitors', 'fragments', 'merge', 'check', 'index'];
const WITHOUT_NODE = [...CORE, 'mp4', 'client', 'decode', 'hls', 'view'];

/** An element accepts visitors and a visitor is shown elements: their types need each other, their code does not. */
const TYPES_IN_A_CIRCLE: readonly (readonly string[])[] = [['src/mkv/element-visitor.ts', 'src/mkv/element.ts']];

interface Import {
  readonly from: string;
  readonly specifier: string;
  /** Gone when the types are stripped. */
  readonly typeOnly: boolean;
}

const FILES = new Map(
  readdirSync(join(ROOT, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.[cm]?tsx?$/.test(entry.name))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .sort()
    .map((file) => [file, readFileSync(join(ROOT, file), 'utf8')]),
);

const IMPORTS = [...FILES].flatMap(([file, text]) => importsOf(file, text));

/** Every import, re-export, dynamic import and import of a type in a source file; comments do not count. */
function importsOf(from: string, text: string): Import[] {
  const code = text.replace(/\/\*[\s\S]*?\*\/|(?<![:'"`])\/\/.*$/gm, '');
  const found: Import[] = [];
  for (const [, clause = '', specifier = ''] of code.matchAll(
    /^(?:import|export)\b(?:([\w$*{},\s]*?)\bfrom)?\s*['"]([^'"\n]+)['"]/gm,
  )) {
    const names = /^\s*\{([\s\S]*)\}\s*$/
      .exec(clause)?.[1]
      ?.split(',')
      .filter((name) => name.trim() !== '');
    const typeOnly =
      /^\s*type\b(?!\s*,|\s+from)/.test(clause) || names?.every((name) => /^\s*type\s/.test(name)) === true;
    found.push({ from, specifier, typeOnly });
  }
  for (const [, specifier = ''] of code.matchAll(/\b(?:import|require)\s*\(\s*['"`]([^'"`]+)['"`]/g)) {
    found.push({ from, specifier, typeOnly: false });
  }
  return found;
}

function isRelative(specifier: string): boolean {
  return specifier.startsWith('.') || specifier.startsWith('/');
}

/** The source file that a relative import means. */
function targetOf({ from, specifier }: Import): string {
  const file = posix.join(posix.dirname(from), specifier).replace(/\.js$/, '.ts');
  return FILES.has(file) ? file : file.replace(/\.ts$/, '.tsx');
}

function roomOf(file: string): string {
  const [, first = '', second] = file.split('/');
  return second === undefined ? first.replace(/\.ts$/, '') : first;
}

function floorOf(file: string): number {
  return FLOORS.findIndex((rooms) => rooms.includes(roomOf(file)));
}

/** Sets of files that reach each other through `imports`. */
function circles(imports: readonly Import[]): string[][] {
  const graph = new Map<string, Set<string>>([...FILES.keys()].map((file) => [file, new Set()]));
  for (const one of imports) if (isRelative(one.specifier)) graph.get(one.from)?.add(targetOf(one));
  const reach = (start: string): Set<string> => {
    const seen = new Set<string>();
    const open = [...(graph.get(start) ?? [])];
    for (let file = open.pop(); file !== undefined; file = open.pop()) {
      if (seen.has(file)) continue;
      seen.add(file);
      open.push(...(graph.get(file) ?? []));
    }
    return seen;
  };
  const reached = new Map([...graph.keys()].map((file) => [file, reach(file)]));
  const found = new Map<string, string[]>();
  for (const [file, targets] of reached) {
    if (!targets.has(file)) continue;
    const circle = [...targets].filter((other) => reached.get(other)?.has(file) === true).sort();
    found.set(circle.join(), circle);
  }
  return [...found.values()];
}

function show(one: Import): string {
  return `${one.from} imports ${one.specifier}`;
}

describe('imports', () => {
  it('are all seen by this test', () => {
    const text = [
      `import type { A } from './a.js';`,
      `import { type B, type C } from './b.js';`,
      `import {\n  type D,\n  e,\n} from "./d.js";`,
      `import './f.js';`,
      `export * from './g.js';`,
      `export { h, type I } from './h.js';`,
      `const j = await import('./j.js');`,
      `type K = import('./k.js').K;`,
      `import * as l from 'l';`,
      `import m, { type N } from 'm';`,
      `// import { no } from './no.js';`,
      `/* export * from './no.js'; */`,
      `export const text = 'no';`,
    ].join('\n');
    expect(
      importsOf('src/x.ts', text).map(({ specifier, typeOnly }) => `${specifier}${typeOnly ? ' (type)' : ''}`),
    ).toEqual(['./a.js (type)', './b.js (type)', './d.js', './f.js', './g.js', './h.js', 'l', 'm', './j.js', './k.js']);
    expect(IMPORTS.length).toBeGreaterThan(50);
  });

  it('find a file', () => {
    const lost = IMPORTS.filter((one) => isRelative(one.specifier) && !FILES.has(targetOf(one)));
    expect(lost.map(show)).toEqual([]);
  });

  it('run one way between the rooms', () => {
    expect([...FILES.keys()].filter((file) => floorOf(file) < 0)).toEqual([]);
    const wrong = IMPORTS.filter((one) => {
      if (!isRelative(one.specifier)) return false;
      const target = targetOf(one);
      return roomOf(target) !== roomOf(one.from) && floorOf(target) >= floorOf(one.from);
    });
    expect(wrong.map(show)).toEqual([]);
  });

  it('make no circle', () => {
    expect(circles(IMPORTS.filter((one) => !one.typeOnly))).toEqual([]);
    expect(circles(IMPORTS)).toEqual(TYPES_IN_A_CIRCLE);
  });
});

describe('the core', () => {
  it('depends on no package', () => {
    const bare = IMPORTS.filter((one) => CORE.includes(roomOf(one.from)) && !isRelative(one.specifier));
    expect(bare.map(show)).toEqual([]);
  });

  it('and the other rooms that browsers load import no module of Node', () => {
    const nodes = IMPORTS.filter(
      ({ from, specifier }) =>
        WITHOUT_NODE.includes(roomOf(from)) &&
        (specifier.startsWith('node:') || builtinModules.includes(specifier.split('/')[0] ?? '')),
    );
    expect(nodes.map(show)).toEqual([]);
  });

  it('names nothing that only Node has', () => {
    const folder = mkdtempSync(join(tmpdir(), 'kvs-core-'));
    try {
      const config = join(folder, 'tsconfig.json');
      const files = [...FILES.keys()].filter((file) => CORE.includes(roomOf(file))).map((file) => join(ROOT, file));
      const options = {
        extends: join(ROOT, 'tsconfig.json'),
        compilerOptions: { types: [], typeRoots: [] },
        include: [],
        files,
      };
      writeFileSync(config, JSON.stringify(options));
      expect(compile(config)).toBe('');
      const probe = join(folder, 'probe.ts');
      writeFileSync(probe, `export const probe = [process.platform, Buffer.alloc(1), setImmediate];\n`);
      writeFileSync(config, JSON.stringify({ ...options, files: [...files, probe] }));
      expect(compile(config).match(/Cannot find name '\w+'/g)).toHaveLength(3);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('package.json', () => {
  const manifest: { dependencies?: Record<string, string>; sideEffects?: unknown; type?: string } = JSON.parse(
    readFileSync(join(ROOT, 'package.json'), 'utf8'),
  );

  it('has only dependencies that a room above the core imports', () => {
    const wanted = new Set(
      IMPORTS.filter((one) => !isRelative(one.specifier)).map(({ specifier }) =>
        specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/'),
      ),
    );
    const idle = Object.keys(manifest.dependencies ?? {}).filter((name) => !wanted.has(name));
    expect(idle).toEqual([]);
  });

  it('lets bundlers drop what is not used', () => {
    expect(manifest).toMatchObject({ sideEffects: false, type: 'module' });
  });
});

function compile(config: string): string {
  try {
    execFileSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', config], { encoding: 'utf8' });
    return '';
  } catch (error) {
    return error instanceof Error && 'stdout' in error ? String(error.stdout) : String(error);
  }
}
