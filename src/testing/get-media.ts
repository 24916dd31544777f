import { concatBytes } from '../ebml/writer.js';
import type { BodyWriter } from './body-writer.js';
import type { Fault } from './faults.js';
import { writeGetMediaError, writeServiceTags, writeTrailingTags } from './get-media-writer.js';
import type { JsonInput, StartSelector } from './json-input.js';
import type { LocalStream, StoredFragment } from './local-stream.js';
import type { Service } from './service.js';
import { ServiceError } from './service-error.js';

/** Where a GetMedia session begins: after a fragment number, or with an error in the stream. */
export type StartPosition = { readonly after: bigint } | { readonly errorId: number };

const ERROR_CODES: Readonly<Record<number, string>> = {
  3002: 'Error writing to the stream',
  4000: 'Requested fragment is not found',
  4500: "Access denied for the stream's KMS key",
  4501: "Stream's KMS key is disabled",
  4502: "Validation error on the stream's KMS key",
  4503: 'KMS key specified in the stream is unavailable',
  4504: 'Invalid usage of the KMS key specified in the stream',
  4505: 'Invalid state of the KMS key specified in the stream',
  4506: 'Unable to find the KMS key specified in the stream',
  5000: 'Internal error',
};

/**
 * What a StartSelector means now.
 *
 * @throws ServiceError InvalidArgumentException
 */
export function startPosition(stream: LocalStream, selector: StartSelector = {}): StartPosition {
  const { StartSelectorType: type, AfterFragmentNumber, ContinuationToken, StartTimestamp } = selector;
  const { fragments } = stream;
  switch (type) {
    case 'NOW':
      return before(fragments.at(-1), stream);
    case 'EARLIEST':
      return { after: -1n };
    case 'FRAGMENT_NUMBER': {
      const number = decimal(AfterFragmentNumber, 'AfterFragmentNumber');
      const known = fragments[stream.indexAfter(number) - 1];
      return known?.fragmentNumber === String(number) ? { after: number } : { errorId: 4000 };
    }
    case 'CONTINUATION_TOKEN':
      // In every body of the service that was seen, the token is the fragment's own number.
      return { after: decimal(ContinuationToken, 'ContinuationToken') };
    case 'PRODUCER_TIMESTAMP':
    case 'SERVER_TIMESTAMP': {
      const time = Math.round(Number(StartTimestamp) * 1000);
      if (Number.isNaN(time)) throw new ServiceError('InvalidArgumentException', 'StartTimestamp is missing.');
      const begins = (fragment: StoredFragment) =>
        type === 'PRODUCER_TIMESTAMP' ? fragment.producerTimestamp : fragment.serverTimestamp;
      return before(
        fragments.find((fragment) => begins(fragment) + Math.max(1, fragment.duration) > time),
        stream,
      );
    }
    default:
      throw new ServiceError('InvalidArgumentException', `${JSON.stringify(type)} is no StartSelectorType.`);
  }
}

function before(fragment: StoredFragment | undefined, stream: LocalStream): StartPosition {
  if (fragment !== undefined) return { after: BigInt(fragment.fragmentNumber) - 1n };
  return { after: BigInt(stream.fragments.at(-1)?.fragmentNumber ?? -1) };
}

function decimal(value: unknown, name: string): bigint {
  if (typeof value === 'string' && /^\d{1,128}$/.test(value)) return BigInt(value);
  throw new ServiceError('InvalidArgumentException', `${name} is missing or not a decimal number.`);
}

/** Sends what GetMedia sends: stored fragments, then each new one, until none has come for a while. */
export async function sendMedia(
  service: Service,
  stream: LocalStream,
  start: StartPosition,
  body: BodyWriter,
  faults: readonly Fault[],
): Promise<void> {
  if ('errorId' in start) {
    await body.write(streamError(start.errorId));
    return body.end();
  }
  const { idleTimeoutMs, maxSessionMs } = service.settings;
  const isPlanned = (kind: 'duplicate' | 'late', count: number) =>
    faults.some((fault) => fault.kind === kind && fault.fragment === count);
  const failure = faults.find((fault) => fault.kind === 'stream-error');
  const began = performance.now();
  const pacer = service.fragmentPacer(stream, 'media');
  let { after } = start;
  let late: StoredFragment | undefined;
  for (let count = 0; !body.signal.aborted; ) {
    if (performance.now() - began >= maxSessionMs) return body.end();
    if (failure?.kind === 'stream-error' && count >= failure.afterFragments) {
      await body.write(streamError(failure.id, failure.code));
      return body.end();
    }
    if (stream.deleted) return body.cut();
    const next = stream.fragments[stream.indexAfter(after)];
    if (next === undefined) {
      if (await isSilent(stream, body.signal, idleTimeoutMs)) {
        if (late !== undefined) await send(late);
        return body.end();
      }
      continue;
    }
    after = BigInt(next.fragmentNumber);
    if (isPlanned('late', count) && late === undefined) late = next;
    else {
      await send(next);
      if (isPlanned('duplicate', count)) await send(next);
      if (late !== undefined) await send(late);
      late = undefined;
    }
    count++;
  }

  async function send(fragment: StoredFragment): Promise<void> {
    await body.wait(pacer.delay(1 / stream.speed));
    const newest = stream.fragments.at(-1) ?? fragment;
    const millisBehindNow = Math.max(0, Math.round(newest.serverTimestamp - fragment.serverTimestamp));
    const tags = writeServiceTags(fragment);
    // The service's tokens are the numbers of their fragments.
    const trailing = writeTrailingTags({ millisBehindNow, continuationToken: fragment.fragmentNumber });
    await body.write(concatBytes([fragment.head, tags, fragment.media, fragment.tail, trailing]));
  }
}

function streamError(id: number, code = ERROR_CODES[id] ?? 'Error'): Uint8Array {
  return writeGetMediaError({ error: { id, code } });
}

/** Waits for a change of the stream; `true` when there was none for so long. */
async function isSilent(stream: LocalStream, closed: AbortSignal, milliseconds: number): Promise<boolean> {
  const stop = new AbortController();
  const abort = () => stop.abort();
  closed.addEventListener('abort', abort);
  let silent = false;
  const timer = setTimeout(() => {
    silent = true;
    stop.abort();
  }, milliseconds);
  await stream.change(stop.signal);
  clearTimeout(timer);
  closed.removeEventListener('abort', abort);
  return silent;
}

const MOST_FRAGMENTS = 1000;

/**
 * The fragment numbers of a GetMediaForFragmentList request.
 *
 * @throws ServiceError InvalidArgumentException
 */
export function fragmentNumbers(input: JsonInput): string[] {
  const { Fragments: numbers } = input;
  if (!Array.isArray(numbers) || numbers.length < 1 || numbers.length > MOST_FRAGMENTS) {
    throw new ServiceError('InvalidArgumentException', `Fragments must be 1 to ${MOST_FRAGMENTS} fragment numbers.`);
  }
  return numbers.map((number) => String(decimal(number, 'A fragment number')));
}

/** Sends what GetMediaForFragmentList sends: each fragment, or an error in its place, in the order of the request. */
export async function sendFragments(
  service: Service,
  stream: LocalStream,
  numbers: readonly string[],
  body: BodyWriter,
  faults: readonly Fault[],
): Promise<void> {
  const { sideTimestamps } = service.settings;
  const pacer = service.fragmentPacer(stream, 'archived');
  for (const [count, fragmentNumber] of numbers.entries()) {
    await body.wait(pacer.delay(1));
    if (body.signal.aborted) return;
    if (stream.deleted) return body.cut();
    const fragment = stream.fragments[stream.indexAfter(BigInt(fragmentNumber) - 1n)];
    const planned = faults.find((fault) => fault.kind === 'fragment-error' && fault.fragment === count);
    if (planned?.kind === 'fragment-error') {
      const { code = 5000, message = ERROR_CODES[Number(code)] ?? 'Error' } = planned;
      await body.write(writeGetMediaError({ fragmentNumber, exception: { code, message } }));
    } else if (fragment?.fragmentNumber !== fragmentNumber) {
      const exception = { code: 4000, message: 'Requested fragment is not found' };
      await body.write(writeGetMediaError({ fragmentNumber, exception }));
    } else {
      const tags = writeServiceTags(fragment, { sideTimestamps });
      await body.write(concatBytes([fragment.head, tags, fragment.media, fragment.tail]));
    }
  }
  body.end();
}
