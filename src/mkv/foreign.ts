import { MkvParseError } from './parse-error.js';

/** How many bytes {@link describeForeign} wants to see of a stream at the most. */
export const FOREIGN_HEAD_SIZE = 512;

/** An EBML header, with which every Matroska stream begins. */
const EBML = '1a45dfa3';

/** Formats by their first bytes, in hexadecimal. */
const SIGNATURES: readonly (readonly [prefix: string, name: string])[] = [
  ['1f8b', 'gzip'],
  ['504b0304', 'a ZIP archive'],
  ['425a68', 'bzip2'],
  ['fd377a585a00', 'xz'],
  ['28b52ffd', 'Zstandard'],
  ['000001ba', 'an MPEG program stream'],
  ['00000001', 'an H.264 or H.265 byte stream (Annex B)'],
  ['000001', 'an H.264 or H.265 byte stream (Annex B)'],
  ['ffd8ff', 'JPEG'],
  ['89504e47', 'PNG'],
  ['47494638', 'GIF'],
  ['4f676753', 'Ogg'],
  ['664c6143', 'FLAC'],
  ['464c56', 'FLV'],
  ['3026b275', 'ASF'],
  ['25504446', 'PDF'],
  ['444b4946', 'IVF'],
  ['494433', 'MP3'],
  ['fff1', 'AAC in ADTS'],
  ['fff9', 'AAC in ADTS'],
  ['fffb', 'MP3'],
  ['fff3', 'MP3'],
  ['fff2', 'MP3'],
];

/** Types of the boxes that MP4 files and segments begin with. */
const MP4_BOXES: ReadonlySet<string> = new Set(
  'ftyp styp moov moof mdat free skip wide sidx emsg prft pdin uuid'.split(' '),
);

const RIFF_FORMS: Readonly<Record<string, string>> = { WAVE: 'WAV', 'AVI ': 'AVI', WEBP: 'WebP' };

/**
 * What a stream is that is no Matroska, in words: `text`, `HTML`, `gzip`, `MP4`, a JSON error of the service with its name and message.
 *
 * @param head its first bytes; {@link FOREIGN_HEAD_SIZE} are enough
 * @returns `undefined` where they are Matroska's, or nothing that is known
 */
export function describeForeign(head: Uint8Array): string | undefined {
  const hex = Array.from(head.subarray(0, 8), (byte) => byte.toString(16).padStart(2, '0')).join('');
  if (head.length === 0 || EBML.startsWith(hex.slice(0, 8))) return undefined;
  const latin = (from: number, to: number) => String.fromCharCode(...head.subarray(from, to));
  if (head.length >= 8 && MP4_BOXES.has(latin(4, 8))) return 'MP4';
  if (head[0] === 0x47 && head[188] === 0x47) return 'an MPEG transport stream';
  if (latin(0, 4) === 'RIFF') return RIFF_FORMS[latin(8, 12)] ?? 'RIFF';
  const known = SIGNATURES.find(([prefix]) => hex.startsWith(prefix));
  if (known !== undefined) return known[1];
  const text = textOf(head);
  return text === undefined ? undefined : describeText(text);
}

/** An error at the beginning of a stream, with what the stream is in place of what is wrong with its bytes. */
export function explainForeign(error: unknown, head: Uint8Array): unknown {
  // Further on, there has been something that is Matroska.
  if (!(error instanceof MkvParseError) || error.offset >= FOREIGN_HEAD_SIZE) return error;
  const what = describeForeign(head);
  if (what === undefined) return error;
  // It is wrong from the beginning on, wherever that showed.
  return new MkvParseError(error.code, 0, `this is ${what}, not Matroska`);
}

/** The bytes as text; `undefined` where they are none. */
function textOf(head: Uint8Array): string | undefined {
  if ((head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff)) {
    return new TextDecoder(head[0] === 0xff ? 'utf-16le' : 'utf-16be').decode(head);
  }
  const text = new TextDecoder().decode(head, { stream: true });
  // Of a text, at most the last character is cut off, and that is not given. Two letters may be anything.
  return head.length < 4 || /[\p{Cc}\ufffd]/u.test(text.replaceAll(/[\t\r\n\f]/g, '')) ? undefined : text;
}

function describeText(text: string): string {
  const start = text.trimStart();
  if (/^<(!doctype html|html|head|body)\b/i.test(start)) return 'HTML';
  if (start.startsWith('#EXTM3U')) return 'an HLS playlist';
  if (/^(<\?xml[^>]*>\s*)?<MPD\b/.test(start)) return 'a DASH manifest';
  if (start.startsWith('<?xml')) return 'XML';
  if (/^[{[]/.test(start)) return describeJson(start);
  return 'text';
}

/** The service's errors are JSON objects with a type, a message, or both. The text may be cut off. */
function describeJson(text: string): string {
  const field = (name: string) => new RegExp(`"${name}"\\s*:\\s*"((?:[^"\\\\]|\\\\.)*)"`, 'i').exec(text)?.[1];
  const type = field('__type') ?? field('code');
  const parts = [type?.replace(/^.*#/, ''), field('message')].filter((part) => part !== undefined && part !== '');
  return parts.length === 0 ? 'JSON' : `a JSON error of the service (${parts.join(': ')})`;
}
