import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { GapEvent, ReconnectEvent } from '../client/events.js';
import type { FragmentRetryEvent } from '../client/fragment-list-options.js';
import { interruption } from './interrupt.js';
import { openStream, type StreamRequest } from './service.js';

/** What stands before each record: what it is, and the length of what follows in 4 bytes, the highest first. */
const BYTES = 1;
const EVENT = 2;
const HEADER = 5;

/**
 * Sends a stream of the service to the page, for as long as it goes on: the bytes of its fragments, and what happens to the connection, in
 * records. Nothing is read ahead of the page. When the page goes, the connection to the service is closed. Never rejects.
 */
export async function sendLive(request: StreamRequest, response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  response.on('close', () => gone.abort(new Error('the page has gone')));
  response.writeHead(200, { 'content-type': 'application/octet-stream' });
  const envelope = new Envelope(response, gone.signal);
  const connection = {
    onReconnect: ({ reason, error, delayMs, afterFragmentNumber }: ReconnectEvent) =>
      envelope.event({ kind: 'reconnect', reason, message: error?.message, delayMs, afterFragmentNumber }),
    onRetry: ({ error }: FragmentRetryEvent) => envelope.event({ kind: 'retry', message: error.message }),
    onGap: ({ reason, afterFragmentNumber, beforeFragmentNumber }: GapEvent) =>
      envelope.event({ kind: 'gap', reason, afterFragmentNumber, beforeFragmentNumber }),
    onFailure: (fragmentNumber: string, error: Error) =>
      envelope.event({ kind: 'gap', reason: `fragment ${fragmentNumber} is missing: ${error.message}` }),
  };
  envelope.event({ kind: 'open' });
  try {
    for await (const { bytes } of openStream(request, { connection, signal: gone.signal })) {
      for (const part of bytes) await envelope.bytes(part);
      if (gone.signal.aborted) return;
    }
    envelope.event({ kind: 'end' });
  } catch (error) {
    if (gone.signal.aborted || interruption.aborted) return;
    envelope.event({ kind: 'end', error: error instanceof Error ? error.message : String(error) });
  } finally {
    response.end();
  }
}

/** Writes records. */
class Envelope {
  readonly #response: ServerResponse;
  readonly #gone: AbortSignal;

  constructor(response: ServerResponse, gone: AbortSignal) {
    this.#response = response;
    this.#gone = gone;
  }

  /** Something has happened to the connection. */
  event(event: Readonly<Record<string, unknown>>): void {
    const text = Buffer.from(JSON.stringify({ ...event, at: Date.now() }));
    this.#write(EVENT, text);
  }

  /** Bytes of the stream. Settles when the page has room for more, or has gone. */
  async bytes(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0 || this.#write(BYTES, bytes)) return;
    await once(this.#response, 'drain', { signal: this.#gone }).catch(() => {});
  }

  #write(kind: number, content: Uint8Array): boolean {
    if (this.#gone.aborted) return true;
    const header = Buffer.alloc(HEADER);
    header[0] = kind;
    header.writeUInt32BE(content.length, 1);
    this.#response.write(header);
    return this.#response.write(content);
  }
}
