import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const PAGE = readFileSync('docs/errors.md', 'utf8');

/** The words of a union of string literals, as the sources declare it. */
function wordsOf(file: string, type: string): string[] {
  const source = readFileSync(file, 'utf8');
  const [, union = ''] = new RegExp(`type ${type} =(.*?);\\n`, 's').exec(source) ?? [];
  return [...union.replace(/\/\*.*?\*\//gs, '').matchAll(/'(\w+)'/g)].map(([, word = '']) => word);
}

/** The rows of the page whose first cell is this word. */
const rows = (word: string) => PAGE.split('\n').filter((line) => line.startsWith(`| \`${word}\` `));

describe('docs/errors.md', () => {
  it.each([
    ['src/ebml/errors.ts', 'EbmlErrorCode'],
    ['src/mkv/codec/codec-error.ts', 'CodecErrorCode'],
    ['src/mp4/remux-error.ts', 'Mp4ErrorCode'],
    ['src/decode/decode-error.ts', 'DecodeErrorCode'],
    ['src/client/failure-kind.ts', 'FailureKind'],
  ])('has each word of %s', (file, type) => {
    const words = wordsOf(file, type);
    expect(words.length).toBeGreaterThan(1);
    for (const word of words) expect(rows(word), word).toHaveLength(1);
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
