export { count } from '../ebml/plural.js';

import type { MediaProblem } from '../decode/decode-error.js';

/** Characters that steer a terminal, or that a reader does not see: controls, formats, surrogates, private use, separators of lines. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/**
 * Text in a form that can't steer a terminal or hide anything on it: a newline is escaped as well. JSON stays the same JSON, since such
 * characters stand only in its strings.
 */
export function harmless(text: string): string {
  return text.replace(UNSAFE, escaped);
}

function escaped(character: string): string {
  let text = '';
  for (let at = 0; at < character.length; at++) text += `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`;
  return text;
}

/** Text of a stream as it stands in a line of text: harmless, and told apart from the line around it. */
export function printable(text: string): string {
  return harmless(JSON.stringify(text).slice(1, -1));
}

/** Microseconds as seconds with as many decimals as they have, at least three. */
export function seconds(microseconds: number): string {
  const text = (microseconds / 1e6).toFixed(6);
  return `${text.replace(/(\.\d{3}\d*?)0+$/, '$1')} s`;
}

/** Microseconds without the noise of floating point: with three decimals at the most, and an integer where it is one. */
export function exactUs(microseconds: number): number {
  return Math.round(microseconds * 1000) / 1000;
}

/** The text, shortened in its middle so that it takes no more columns of a terminal. */
export function fitted(text: string, columns: number): string {
  const characters = [...text];
  const width = (from: number, to: number) => characters.slice(from, to).reduce((sum, c) => sum + widthOf(c), 0);
  if (width(0, characters.length) <= columns) return text;
  let head = 0;
  let tail = characters.length;
  // The end says more than the beginning: it has the figures.
  while (head < tail && width(0, head + 1) < columns / 3) head++;
  while (tail > head && width(0, head) + 1 + width(tail - 1, characters.length) <= columns) tail--;
  return `${characters.slice(0, head).join('')}…${characters.slice(tail).join('')}`;
}

/** Columns that a character may take at the most; which do take two is a matter of the terminal. */
function widthOf(character: string): number {
  return character.charCodeAt(0) < 0x300 || character === '…' ? 1 : 2;
}

/** A problem of pictures or sound, in a line. */
export function problemText({ code, from, to, message }: MediaProblem): string {
  const where = from === to ? seconds(from) : `${seconds(from)} to ${seconds(to)}`;
  return `${code} at ${where}: ${message}`;
}
