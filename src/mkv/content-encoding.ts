import type { Bytes } from '../ebml/bytes.js';
import { concatBytes } from '../ebml/writer.js';
import type { MkvDataElement } from './element.js';
import { Mkv } from './elements.js';

/** How the bytes of a frame are stored, when not as they are: see `ContentEncoding` (RFC 9559 section 5.1.4.1.31). */
export type FrameStorage =
  /** The bytes are those of the codec. Headers that were stripped have been put back. */
  | 'plain'
  /** Compressed with zlib (ContentCompAlgo 0); {@link inflateFrame} gives the bytes of the codec. */
  | 'zlib'
  /** Compressed with bzip2 (ContentCompAlgo 1). */
  | 'bzlib'
  /** Compressed with LZO1X (ContentCompAlgo 2). */
  | 'lzo1x'
  /** Encrypted (ContentEncryption). */
  | 'encrypted'
  /** In a way that is not known, or that cannot be undone here. */
  | 'unknown';

/** What a track's ContentEncodings mean for its frames. */
export interface ContentEncoding {
  /** How the frames are stored once stripped headers are put back; only `plain` ones can be decoded as they are. */
  readonly storage: FrameStorage;
  /** Bytes that were stripped from the front of every frame, at most 256; empty for none. With more, the storage is `unknown`. */
  readonly strippedHeader: Bytes;
  /** Of frames that are stored compressed: bytes that were stripped before, and go in front of what they come to. Empty for none. */
  readonly innerHeader: Bytes;
}

const NO_BYTES = new Uint8Array(0);
const COMPRESSIONS: readonly FrameStorage[] = ['zlib', 'bzlib', 'lzo1x'];
const SCOPE_FRAMES = 1;

interface Step {
  order: number;
  scope: number;
  encrypted: boolean;
  algorithm: number;
  settings: Uint8Array;
}

/** Gathers the ContentEncoding elements of one track. */
export class ContentEncodingCollector {
  readonly #steps: Step[] = [];

  /** A ContentEncoding begins. */
  begin(): void {
    this.#steps.push({ order: 0, scope: SCOPE_FRAMES, encrypted: false, algorithm: 0, settings: NO_BYTES });
  }

  /** A ContentEncryption begins, or another element of the current ContentEncoding says that it is an encryption. */
  encrypted(): void {
    const step = this.#steps.at(-1);
    if (step !== undefined) step.encrypted = true;
  }

  /** Takes an element of the current ContentEncoding. */
  take(element: MkvDataElement): void {
    const step = this.#steps.at(-1);
    if (step === undefined) return;
    if (element.is(Mkv.ContentEncodingOrder)) step.order = element.value;
    else if (element.is(Mkv.ContentEncodingScope)) step.scope = element.value;
    else if (element.is(Mkv.ContentEncodingType)) step.encrypted ||= element.value !== 0;
    else if (element.is(Mkv.ContentCompAlgo)) step.algorithm = element.value;
    else if (element.is(Mkv.ContentCompSettings)) step.settings = element.data;
  }

  /** What they mean together for frames. */
  result(): ContentEncoding {
    const steps = this.#steps.filter((step) => (step.scope & SCOPE_FRAMES) !== 0).sort((a, b) => b.order - a.order);
    // The order decoding goes in is from the highest down; a header that was stripped last is put back first.
    let storage: FrameStorage = 'plain';
    const outer: Uint8Array[] = [];
    const inner: Uint8Array[] = [];
    for (const step of steps) {
      if (step.encrypted) return { ...UNREADABLE, storage: 'encrypted', strippedHeader: joined(outer) };
      if (step.algorithm === HEADER_STRIPPING) {
        (storage === 'plain' ? outer : inner).push(step.settings);
      } else {
        if (storage !== 'plain') return UNREADABLE;
        storage = COMPRESSIONS[step.algorithm] ?? 'unknown';
      }
    }
    const [strippedHeader, innerHeader] = [joined(outer), joined(inner)];
    if (strippedHeader.length + innerHeader.length > LONGEST_HEADER) return UNREADABLE;
    return { storage, strippedHeader, innerHeader };
  }
}

/** Headers in the order in which they are put back. */
function joined(headers: Uint8Array[]): Bytes {
  return headers.length === 0 ? NO_BYTES : concatBytes(headers.reverse());
}

/** Frames that are stored as they are. */
export const STORED_PLAIN: ContentEncoding = { storage: 'plain', strippedHeader: NO_BYTES, innerHeader: NO_BYTES };
const UNREADABLE: ContentEncoding = { ...STORED_PLAIN, storage: 'unknown' };

const HEADER_STRIPPING = 3;
/** What is stripped from frames is a few bytes. To put back more would let Blocks without bytes become as long as anybody likes. */
const LONGEST_HEADER = 256;
