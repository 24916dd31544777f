import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const run = promisify(execFile);
const FOLDER = '.cache/doc-comments';
/** No entry of the package exports what is in these. */
const PRIVATE = ['cli', 'view'];

/** What the examples use and do not make: they are parts of programs. */
const SURROUNDINGS = `
import { createServer } from 'node:http';
import { type FileHandle, writeFile } from 'node:fs/promises';
import type { FragmentRange } from 'kvs-parser/client';
import type { FragmentArchive } from 'kvs-parser/hls';

declare const payload: ReadableStream<Uint8Array>;
declare const file: FileHandle;
declare const chunk: Uint8Array;
declare const from: Date, to: Date;
declare const archive: FragmentArchive;
declare const video: HTMLVideoElement;
declare const Deno: { serve(handler: (request: Request) => Promise<Response>): void };
`;
/** The same, each for the examples that do not make it themselves. */
const OBJECTS: Readonly<Record<string, string>> = {
  url: 'declare const url: string;',
  response: 'declare const response: { readonly body: ReadableStream<Uint8Array> };',
  range: 'declare const range: FragmentRange;',
  consumer: "declare const consumer: import('kvs-parser/client').GetMediaConsumer;",
  index: "declare const index: import('kvs-parser/client').RekognitionIndex;",
  record: 'declare const record: { readonly Data: Uint8Array };',
  packager: "declare const packager: import('kvs-parser/hls').Packager;",
  visitor: "declare const visitor: import('kvs-parser').MkvElementVisitor;",
  decoder: 'declare const decoder: { decode(data: Uint8Array): void };',
  detect: "declare function detect(fragment: import('kvs-parser').Fragment): Promise<void>;",
  draw: "declare function draw(join: import('kvs-parser/client').RekognitionJoin): void;",
  transcribe: 'declare function transcribe(data: Int16Array, sampleRate: number): void;',
  save: 'declare function save(jpeg: Uint8Array): Promise<void>;',
  put: 'declare function put(name: string, bytes: Uint8Array): Promise<void>;',
  append: 'declare function append(bytes: Uint8Array): Promise<void>;',
};

/** The names that each entry exports, by the words of its index. */
const ENTRIES: readonly (readonly [string, string])[] = [
  ['kvs-parser', 'src/index.ts'],
  ['kvs-parser/client', 'src/client/index.ts'],
  ['kvs-parser/mp4', 'src/mp4/index.ts'],
  ['kvs-parser/decode', 'src/decode/index.ts'],
  ['kvs-parser/hls', 'src/hls/index.ts'],
  ['kvs-parser/hls/node', 'src/hls/node.ts'],
];

function examples(): { readonly place: string; readonly code: string }[] {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' });
  return files
    .filter((file) => file.endsWith('.ts') && !PRIVATE.some((room) => file.startsWith(`${room}/`)))
    .flatMap((file) => {
      const source = readFileSync(join('src', file), 'utf8');
      const blocks = source.matchAll(/^ *\* ```ts\n(.*?)^ *\* ```$/gms);
      return [...blocks].map(([, lines = ''], i) => ({
        place: `${file.replace(/\W/g, '-')}-${i + 1}`,
        code: lines.replace(/^ *\* ?/gm, ''),
      }));
    });
}

function programOf(code: string): string {
  const imports = ENTRIES.flatMap(([entry, path]) => {
    const index = readFileSync(path, 'utf8');
    const used = [...code.matchAll(/(?<![.\w])([A-Za-z]\w+)(?=[(<])/g)].map(([, name = '']) => name);
    const names = [...new Set(used)].filter((name) => isExported(index, name));
    return names.length === 0 ? [] : [`import { ${names.join(', ')} } from '${entry}';`];
  });
  const isMade = (name: string) => new RegExp(`const (?:\\{[^}]*)?\\b${name}\\b`).test(code);
  const objects = Object.entries(OBJECTS).filter(([name]) => new RegExp(`\\b${name}\\b`).test(code) && !isMade(name));
  return [...imports, SURROUNDINGS, ...objects.map(([, declaration]) => declaration), code].join('\n');
}

function isExported(index: string, name: string): boolean {
  return new RegExp(`\\b${name}\\b`).test(
    [...index.matchAll(/export (?:\{.*?\}|(?:async )?function \w+)/gs)].join('\n'),
  );
}

it('the examples of doc comments compile against the built package', async () => {
  const all = examples();
  expect(all.length).toBeGreaterThan(15);
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  for (const { place, code } of all) writeFileSync(join(FOLDER, `${place}.ts`), programOf(code));
  const compilerOptions = { noEmit: true, moduleDetection: 'force', paths: {} };
  const config = { extends: '../../tsconfig.json', compilerOptions, include: ['*.ts'] };
  writeFileSync(join(FOLDER, 'tsconfig.json'), JSON.stringify(config));
  const compiled = run('node_modules/.bin/tsc', ['-p', FOLDER]).catch((error: { stdout: string }) => error);
  expect((await compiled).stdout).toBe('');
});
