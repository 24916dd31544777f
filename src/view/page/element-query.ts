import type { ElementQuery } from '../protocol.js';

/** What elements are looked for by. */
export type Kind = 'name' | 'id' | 'offset' | 'value';

/** What a user wrote as a query; `undefined` where it is none of that kind. */
export function queryOf(kind: Kind, text: string): ElementQuery | undefined {
  const trimmed = text.trim();
  if (trimmed === '') return undefined;
  if (kind === 'name') return { name: trimmed };
  if (kind === 'value') return { value: text };
  const digits = trimmed.replaceAll(/[\s_,\u2009]/g, '');
  const isHex = /^0x/i.test(digits);
  if (kind === 'offset') {
    const offset = Number(digits);
    return Number.isSafeInteger(offset) && offset >= 0 ? { offset } : undefined;
  }
  // Ids are always written in hexadecimal.
  const id = Number(isHex ? digits : `0x${digits}`);
  return Number.isSafeInteger(id) && id > 0 ? { id } : undefined;
}
