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

const INVALID_MKV_DATA = 4006;
const STREAM_NOT_ACTIVE = 4008;

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
 */
export async function receiveMedia(
  stream: LocalStream,
  request: IncomingMessage,
  response: ServerResponse,
  headers: PutMediaHeaders,
  idleMs: number,
): Promise<void> {
  const splitter = new FragmentSplitter();
  let fragmentNumber = '';
  let timecode = 0;
  let serverTimestamp = 0;
  const acknowledge = (event: object) => response.write(`${JSON.stringify(event)}\r\n`);
  const idle = setInterval(() => acknowledge({ EventType: 'IDLE' }), idleMs);
  const store = (fragment: SplitFragment) => {
    const producerTimestamp = headers.absolute ? fragment.timestamp : headers.start + fragment.timestamp;
    const known = { FragmentTimecode: timecode, FragmentNumber: fragmentNumber };
    acknowledge({ EventType: 'RECEIVED', ...known });
    stream.append(fragment, { producerTimestamp, serverTimestamp, fragmentNumber });
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
  try {
    // A producer that sends wrong bytes is to read why, so its connection must outlive the loop.
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      idle.refresh();
      if (stream.deleted) throw new ServiceError('ResourceNotFoundException', 'The stream has been deleted.');
      splitter.push(chunk);
      drain();
    }
    splitter.end();
    drain();
  } catch (error) {
    if (request.socket.destroyed) {
      // What is whole is kept; nobody is there to be told.
      splitter.end();
      drain();
      return;
    }
    const errorId = error instanceof EbmlParseError ? INVALID_MKV_DATA : STREAM_NOT_ACTIVE;
    const known = { FragmentTimecode: timecode, FragmentNumber: fragmentNumber };
    acknowledge({ EventType: 'ERROR', ...known, ErrorId: errorId });
  } finally {
    clearInterval(idle);
    response.end();
  }
}
