import type { Bytes } from '../ebml/bytes.js';
import { concatBytes } from '../ebml/writer.js';
import type { ConnectionEvent } from './protocol.js';

/**
 * How a process sends a stream that grows to the page, in one response: records of a byte that says what it is, the length of what follows in
 * 4 bytes, the highest first, and that. `1`: bytes of the stream. `2`: something that happened to the connection, as JSON.
 */
export const EnvelopeRecord = { bytes: 1, event: 2 } as const;

const HEADER = 5;
/** Something longer is no record. */
const LONGEST = 256 * 1024 * 1024;

/** What an envelope holds. */
export type LiveItem =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'event'; readonly event: ConnectionEvent };

/** Takes an envelope apart, however it comes in chunks. */
export class EnvelopeReader {
  /** What the record at hand is; `undefined` before the end of its header. */
  #kind: number | undefined;
  /** How many bytes of it, or of its header, have not come. */
  #left = HEADER;
  /** What has come of a header or an event that is not whole. */
  #held: Uint8Array[] = [];

  /**
   * Takes a chunk; gives what is there whole. Bytes of the stream are given as they come, in parts of their record. Parts of the chunk are kept.
   *
   * @throws Error when it is no envelope
   */
  push(chunk: Uint8Array<ArrayBuffer>): LiveItem[] {
    const items: LiveItem[] = [];
    for (let at = 0; at < chunk.length; ) {
      const part = chunk.subarray(at, at + this.#left);
      at += part.length;
      this.#left -= part.length;
      if (this.#kind === EnvelopeRecord.bytes) items.push({ kind: 'bytes', bytes: part });
      else this.#held.push(part);
      if (this.#left === 0 && this.#kind === undefined) this.#begin(this.#take());
      // A record may be empty.
      if (this.#left > 0) continue;
      if (this.#kind === EnvelopeRecord.event) items.push({ kind: 'event', event: eventOf(this.#take()) });
      this.#kind = undefined;
      this.#left = HEADER;
    }
    return items;
  }

  #begin(header: Bytes): void {
    const [kind] = header;
    const length = new DataView(header.buffer, header.byteOffset).getUint32(1);
    const isRecord = kind === EnvelopeRecord.bytes || kind === EnvelopeRecord.event;
    if (!isRecord || length > LONGEST) throw new Error('the server sends something else than a stream');
    this.#kind = kind;
    this.#left = length;
  }

  #take(): Bytes {
    const whole = concatBytes(this.#held);
    this.#held = [];
    return whole;
  }
}

const KINDS: readonly unknown[] = ['open', 'reconnect', 'retry', 'gap', 'end'];

function eventOf(bytes: Uint8Array): ConnectionEvent {
  const event: unknown = JSON.parse(new TextDecoder().decode(bytes));
  if (!isEvent(event)) throw new Error('the server tells of something that is not known');
  return event;
}

/** The process sends nothing but events of this shape: their kind tells that it is one. */
function isEvent(event: unknown): event is ConnectionEvent {
  return typeof event === 'object' && event !== null && 'kind' in event && KINDS.includes(event.kind);
}
