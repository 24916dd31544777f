/** Long enough for the names of the service's tags. */
const LONGEST_KEPT = 40;
const KEPT = 128;

// The same few strings come again in every fragment: names of tags, codecs, most values. Comparing their bytes costs a fraction of what
// it costs to make a string of them, and the string that is there already has been hashed for looking it up.
const keptBytes = /* @__PURE__ */ new Uint8Array(KEPT * LONGEST_KEPT);
const kept: { readonly length: number; readonly text: string }[] = [];

let decoder: TextDecoder | undefined;
/** An array for each length. */
const codesOfLength: number[][] = [];

/** A string or UTF-8 element: it ends at the first NUL (RFC 8794 section 13); invalid UTF-8 becomes U+FFFD. */
export function decodeString(bytes: Uint8Array, start = 0, end = bytes.length): string {
  const length = end - start;
  if (length > LONGEST_KEPT) return decodeText(bytes, start, end);
  if (length === 0) return '';
  const slot = (31 * length + 7 * bytes[end - 1]! + bytes[start + (length >> 1)]!) % KEPT;
  const shift = slot * LONGEST_KEPT - start;
  const before = kept[slot];
  if (before?.length === length) {
    let at = start;
    while (at < end && keptBytes[at + shift] === bytes[at]) at++;
    if (at === end) return before.text;
  }
  for (let at = start; at < end; at++) keptBytes[at + shift] = bytes[at]!;
  const text = decodeAscii(bytes, start, end) ?? decodeText(bytes, start, end);
  kept[slot] = { length, text };
  return text;
}

/** `undefined` where there is anything beyond ASCII, or a NUL. Of few characters this is faster than a TextDecoder. */
function decodeAscii(bytes: Uint8Array, start: number, end: number): string | undefined {
  codesOfLength[end - start] ??= Array.from(bytes.subarray(start, end));
  const codes = codesOfLength[end - start]!;
  for (let i = 0; i < codes.length; i++) {
    const byte = bytes[start + i]!;
    if (byte === 0 || byte >= 0x80) return undefined;
    codes[i] = byte;
  }
  return String.fromCharCode(...codes);
}

function decodeText(bytes: Uint8Array, start: number, end: number): string {
  const data = bytes.subarray(start, end);
  const nul = data.indexOf(0);
  decoder ??= new TextDecoder('utf-8', { ignoreBOM: true });
  return decoder.decode(nul < 0 ? data : data.subarray(0, nul));
}

/** How much of a text of the stream stands in a message. */
const LONGEST_TEXT = 100;

/** Text of the stream as it may stand in a message: a hostile one could be as long as an element may be. */
export function shortText(text: string): string {
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text;
}
