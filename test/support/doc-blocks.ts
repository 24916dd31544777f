import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

/** What the tests do with a block of code of a page. */
export type BlockUse =
  /** It runs in Node, or in a shell. */
  | 'run'
  /** It runs in Chromium: `browser` behind the language. */
  | 'browser'
  /** It is only compiled, for a reason that the page tells: `compiled: it needs Redis`. */
  | 'compiled'
  /** Nothing, for a reason that the page tells: `not-run: it installs packages`. */
  | 'not-run'
  /** It is not said. */
  | 'unknown';

/** A fenced block of code of a Markdown page. */
export interface DocBlock {
  /** Of files that are made of it, without extension: page and number. */
  readonly name: string;
  readonly page: string;
  readonly language: string;
  readonly use: BlockUse;
  readonly code: string;
  /** What the page says that it prints: a block of `text` right behind it. */
  readonly output: string | undefined;
}

const FENCE = /^```([^\s`]*)(?: +([^\n]*))?\n(.*?)^```$(?:\n\n```text\n(.*?)^```$)?/gms;

/** The blocks of code of a page, in their order. */
export function blocksOf(page: string): DocBlock[] {
  return [...readFileSync(page, 'utf8').matchAll(FENCE)].map(([, language = '', info = '', code = '', output], i) => ({
    name: `${basename(page, '.md')}-${i + 1}`,
    page,
    language,
    use: useOf(info),
    code,
    output,
  }));
}

/** The text of a page without its blocks of code. */
export function proseOf(page: string): string {
  return readFileSync(page, 'utf8').replace(/^```.*?^```$/gms, '');
}

function useOf(info: string): BlockUse {
  if (info === '') return 'run';
  if (info === 'browser') return 'browser';
  return (/^(compiled|not-run): \S/.exec(info)?.[1] as BlockUse | undefined) ?? 'unknown';
}
