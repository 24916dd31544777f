import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { EbmlParseError } from '../ebml/errors.js';
import { FragmentSplitter, type SplitFragment } from './fragment-splitter.js';
import type { LocalStream } from './local-stream.js';
import { ServiceError } from './service-error.js';

/** What the headers of a PutMedia request say. */
export interface PutMediaHeaders {
  /** Whether Cluster timestamps are times of day. */
  readonly absolute: boolean;
  /** When the producer began to record, in milliseconds since 1970. */
  readonly start: number;
}

/** How PutMedia is taken. */
export interface PutMediaSettings {
  /** The most bytes of a fragment, with the header of its document. */
  readonly fragmentBytes: number;
  /** How many bytes the stream stores at most of what producers send. */
  readonly retentionBytes: number;
  /** How often it is said that nothing comes, in milliseconds. */
  readonly idleMs: number;
}

const MAX_FRAGMENT_SIZE_REACHED = 4001;
const INVALID_MKV_DATA = 4006;
const INVALID_PRODUCER_TIMESTAMP = 4007;
const STREAM_NOT_ACTIVE = 4008;
const INTERNAL_ERROR = 5000;
/** The most milliseconds before or after 1970 that a `Date` can hold. */
const LARGEST_DATE = 8.64e15;

/** For how long what a producer sends behind an error is taken and thrown away. */
const LINGER_MS = 5000;

/** What ends a PutMedia request. */
class PutMediaError extends Error {
  readonly id: number;

  constructor(id: number, message: string) {
    super(message);
    this.id = id;
  }
}

/**
 * Reads the headers of a PutMedia request.
 *
 * @throws ServiceError InvalidArgumentException
 */
export function readPutMediaHeaders(request: IncomingMessage): PutMediaHeaders {
  const type = request.headers['x-amzn-fragment-timecode-type'];
  if (type !== 'ABSOLUTE' && type !== 'RELATIVE') {
    throw new ServiceError('InvalidArgumentException', 'x-amzn-fragment-timecode-type must be ABSOLUTE or RELATIVE.');
  }
  const seconds = request.headers['x-amzn-producer-start-timestamp'];
  const start = seconds === undefined ? Date.now() : Math.round(Number(seconds) * 1000);
  if (!Number.isFinite(start)) {
    throw new ServiceError('InvalidArgumentException', 'x-amzn-producer-start-timestamp must be seconds since 1970.');
  }
  return { absolute: type === 'ABSOLUTE', start };
}

/**
 * Stores what a producer sends and acknowledges it on the same connection, a line of JSON for each event: BUFFERING when a fragment
 * begins, RECEIVED and PERSISTED when it is whole, ERROR when the bytes are wrong (which ends the request), IDLE when nothing comes.
 * Fragments before wrong bytes are kept. A producer that does not read its acknowledgements is not read from either.
 */
export async function receiveMedia(
  stream: LocalStream,
  request: IncomingMessage,
  response: ServerResponse,
  headers: PutMediaHeaders,
  settings: PutMediaSettings,
): Promise<void> {
  const { fragmentBytes, retentionBytes, idleMs } = settings;
  const splitter = new FragmentSplitter(fragmentBytes);
  let fragmentNumber = '';
  let timecode = 0;
  let serverTimestamp = 0;
  const acknowledge = (event: object) => response.write(`${JSON.stringify(event)}\r\n`);
  const idle = setInterval(() => {
    if (!response.writableNeedDrain) acknowledge({ EventType: 'IDLE' });
  }, idleMs);
  const store = (fragment: SplitFragment) => {
    const producerTimestamp = headers.absolute ? fragment.timestamp : headers.start + fragment.timestamp;
    if (!(Math.abs(producerTimestamp) <= LARGEST_DATE)) {
      throw new PutMediaError(INVALID_PRODUCER_TIMESTAMP, `${producerTimestamp} ms is no time`);
    }
    const known = { FragmentTimecode: timecode, FragmentNumber: fragmentNumber };
    acknowledge({ EventType: 'RECEIVED', ...known });
    stream.append(fragment, { producerTimestamp, serverTimestamp, fragmentNumber });
    stream.forget(retentionBytes);
    acknowledge({ EventType: 'PERSISTED', ...known });
  };
  const drain = () => {
    for (let event = splitter.nextIfAvailable(); event !== undefined; event = splitter.nextIfAvailable()) {
      if (event.kind === 'fragment') {
        if (event.fragment.media.length > 0) store(event.fragment);
        continue;
      }
      fragmentNumber = stream.reserveNumber();
      timecode = Math.round(event.timestamp);
      serverTimestamp = Date.now();
      acknowledge({ EventType: 'BUFFERING', FragmentTimecode: timecode, FragmentNumber: fragmentNumber });
    }
  };
  const closed = new Promise((resolve) => request.socket.once('close', resolve));
  try {
    // A producer that sends wrong bytes is to read why, so its connection must outlive the loop.
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      idle.refresh();
      if (stream.deleted) throw new PutMediaError(STREAM_NOT_ACTIVE, 'The stream has been deleted.');
      splitter.push(chunk);
      drain();
      if (response.writableNeedDrain) await Promise.race([once(response, 'drain'), closed]);
    }
    splitter.end();
    drain();
  } catch (error) {
    if (request.socket.destroyed) {
      // What is whole is kept; nobody is there to be told.
      splitter.end();
      try {
        drain();
      } catch {
        // What comes behind the fragments that are whole is wrong as well.
      }
      return;
    }
    const errorId = errorIdOf(error);
    const known = { FragmentTimecode: timecode, FragmentNumber: fragmentNumber };
    acknowledge({ EventType: 'ERROR', ...known, ErrorId: errorId });
  } finally {
    clearInterval(idle);
    response.end();
    // A producer that goes on sending reads why it need not only when what it sends is taken; for a while.
    request.resume();
    const late = setTimeout(() => request.destroy(), LINGER_MS);
    void closed.then(() => clearTimeout(late));
  }
}

function errorIdOf(error: unknown): number {
  if (error instanceof PutMediaError) return error.id;
  if (!(error instanceof EbmlParseError)) return INTERNAL_ERROR;
  return error.code === 'ElementTooLarge' ? MAX_FRAGMENT_SIZE_REACHED : INVALID_MKV_DATA;
}
