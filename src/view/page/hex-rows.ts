import { hex } from '../../ebml/header.js';
import type { ElementRecord } from '../protocol.js';

/** Bytes in a row. */
export const ROW = 16;

/** What of the bytes belongs to an element. */
type Part = 'header' | 'data' | 'other';

/** A row of bytes in runs of the same part. */
export interface HexRow {
  readonly offset: number;
  readonly runs: readonly { readonly part: Part; readonly hex: string; readonly text: string }[];
}

/** Bytes as rows of hexadecimal and of text, the element's header and data marked. */
export function hexRows(bytes: Uint8Array, offset: number, element: ElementRecord): HexRow[] {
  const { headerSize, dataSize } = element;
  const partOf = (position: number): Part => {
    const at = position - element.offset;
    if (at < 0 || at >= headerSize + dataSize) return 'other';
    return at < headerSize ? 'header' : 'data';
  };
  const rows: HexRow[] = [];
  for (let start = 0; start < bytes.length; start += ROW) {
    const runs: { part: Part; hex: string; text: string }[] = [];
    for (let at = start; at < Math.min(start + ROW, bytes.length); at++) {
      const byte = bytes[at] ?? 0;
      const part = partOf(offset + at);
      const digits = hex(byte);
      const text = byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·';
      const last = runs.at(-1);
      if (last?.part === part) {
        last.hex += ` ${digits}`;
        last.text += text;
      } else {
        runs.push({ part, hex: digits, text });
      }
    }
    rows.push({ offset: offset + start, runs });
  }
  return rows;
}
