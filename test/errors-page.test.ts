import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as client from '../src/client/index.js';
import * as decode from '../src/decode/index.js';
import * as fleet from '../src/fleet/index.js';
import * as hls from '../src/hls/index.js';
import * as core from '../src/index.js';
import * as mp4 from '../src/mp4/index.js';
import * as testing from '../src/testing/index.js';

const PAGE = readFileSync('docs/errors.md', 'utf8');

/** The words of a union of string literals, as the sources declare it. */
function wordsOf(file: string, type: string): string[] {
  const source = readFileSync(file, 'utf8');
  const [, union = ''] = new RegExp(`type ${type} =(.*?);\\n`, 's').exec(source) ?? [];
  return [...union.replace(/\/\*.*?\*\//gs, '').matchAll(/'(\w+)'/g)].map(([, word = '']) => word);
}

/** The rows of the page whose first cell is this word. */
const rows = (word: string) => PAGE.split('\n').filter((line) => line.startsWith(`| \`${word}\` `));

function isErrorClass(value: unknown): value is abstract new (...args: never) => Error {
  return typeof value === 'function' && value.prototype instanceof Error;
}

describe('docs/errors.md', () => {
  it.each([
    ['src/ebml/errors.ts', 'EbmlErrorCode'],
    ['src/mkv/codec/codec-error.ts', 'CodecErrorCode'],
    ['src/mp4/remux-error.ts', 'Mp4ErrorCode'],
    ['src/decode/decode-error.ts', 'DecodeErrorCode'],
    ['src/client/failure-kind.ts', 'FailureKind'],
    ['src/client/peer.ts', 'PeerErrorCode'],
  ])('has each word of %s', (file, type) => {
    const words = wordsOf(file, type);
    expect(words.length).toBeGreaterThan(1);
    for (const word of words) expect(rows(word), word).toHaveLength(1);
  });

  it('has the error classes that the entries export, and no others', () => {
    const entries: readonly object[] = [core, client, decode, fleet, hls, mp4, testing];
    const classes = entries.flatMap((entry) => Object.values(entry)).filter(isErrorClass);
    const [classTable = ''] = PAGE.split('\n## ');
    const named = [...classTable.matchAll(/^\| (`\w+Error`(?:, `\w+Error`)*) /gm)].flatMap(([, names = '']) =>
      [...names.matchAll(/\w+/g)].map(([name]) => name),
    );
    expect(classes.length).toBeGreaterThan(5);
    expect(named.filter((name) => !(name in globalThis)).sort()).toEqual(
      [...new Set(classes.map(({ name }) => name))].sort(),
    );
  });

  it('has each word that the consumers have for what was not the service', () => {
    const sources = readdirSync('src/client').map((name) => readFileSync(`src/client/${name}`, 'utf8'));
    const words = new Set(
      sources.flatMap((source) => [...source.matchAll(/\bcode: '([A-Z]\w+)'/g)].map(([, word = '']) => word)),
    );
    expect(words.size).toBeGreaterThan(5);
    for (const word of words) expect(rows(word), word).toHaveLength(1);
  });
});
