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
  #held: Uint8Array<ArrayBuffer> = new Uint8Array(0);

  /**
   * Takes a chunk; gives what is there whole. Bytes of the stream are given as they come, in parts of their record.
   *
   * @throws Error when it is no envelope
   */
  push(chunk: Uint8Array<ArrayBuffer>): LiveItem[] {
    const items: LiveItem[] = [];
    let data = chunk;
    if (this.#held.length > 0) {
      data = new Uint8Array(this.#held.length + chunk.length);
      data.set(this.#held);
      data.set(chunk, this.#held.length);
    }
    let at = 0;
    for (;;) {
      if (this.#left > 0 && at < data.length) {
        const bytes = data.subarray(at, at + this.#left);
        items.push({ kind: 'bytes', bytes });
        this.#left -= bytes.length;
        at += bytes.length;
      }
      if (data.length - at < HEADER) break;
      const length = new DataView(data.buffer, data.byteOffset + at + 1).getUint32(0);
      if (length > LONGEST) throw new Error('the server sends something else than a stream');
      if (data[at] === EnvelopeRecord.bytes) {
        this.#left = length;
        at += HEADER;
        continue;
      }
      if (data[at] !== EnvelopeRecord.event) throw new Error('the server sends something else than a stream');
      if (data.length - at < HEADER + length) break;
      items.push({ kind: 'event', event: eventOf(data.subarray(at + HEADER, at + HEADER + length)) });
      at += HEADER + length;
    }
    this.#held = data.slice(at);
    return items;
  }

  /** How many bytes of the record at hand have not come. */
  #left = 0;
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
