import { gzipSync } from 'node:zlib';
import type { Choices } from '../input.js';

/** An answer that is no media. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Where an error says what it is. */
const PLACES = ['header', 'header with suffix', 'body', 'body with prefix', 'code', 'both'] as const;

/** The service's error of this name, in one of the shapes that its errors have. */
export function errorAnswer(c: Choices, name: string, status: number): Answer {
  const place = c.pick(PLACES);
  const headers: Record<string, string> = { 'content-type': 'application/json', 'x-amzn-requestid': 'request' };
  const body: Record<string, string> = c.oneIn(3) ? {} : { [c.pick(['message', 'Message'])]: `because of ${name}` };
  if (place === 'header' || place === 'both') headers['x-amzn-errortype'] = name;
  if (place === 'header with suffix')
    headers['x-amzn-errortype'] = `${name}:http://internal.amazon.com/coral/com.amazon/`;
  if (place === 'body' || place === 'both') Object.defineProperty(body, '__type', { value: name, enumerable: true });
  if (place === 'body with prefix') {
    Object.defineProperty(body, '__type', { value: `com.amazonaws.kinesisvideo#${name}`, enumerable: true });
  }
  if (place === 'code') Object.defineProperty(body, 'code', { value: name, enumerable: true });
  return { status, headers, body: Buffer.from(JSON.stringify(body)) };
}

/** Failures that pass: a consumer that ends of one has given up too early. */
export const PASSING: readonly (readonly [name: string, status: number])[] = [
  ['ClientLimitExceededException', 400],
  ['ConnectionLimitExceededException', 400],
  ['BandwidthLimitExceeded', 400],
  ['EC2ThrottledException', 400],
  ['LimitExceededException', 400],
  ['PriorRequestNotComplete', 400],
  ['ProvisionedThroughputExceededException', 400],
  ['RequestLimitExceeded', 400],
  ['RequestThrottled', 400],
  ['RequestThrottledException', 400],
  ['SlowDown', 503],
  ['ThrottledException', 400],
  ['Throttling', 400],
  ['ThrottlingException', 400],
  ['TooManyRequestsException', 429],
  ['TransactionInProgressException', 400],
  ['InternalFailure', 500],
  ['InternalServerError', 500],
  ['ServiceUnavailable', 503],
  ['toString', 500],
  ['constructor', 502],
  ['__proto__', 500],
];

/** Failures after which a consumer may end. */
export const FINAL: readonly (readonly [name: string, status: number])[] = [
  ['ResourceNotFoundException', 404],
  ['InvalidArgumentException', 400],
  ['toString', 400],
  ['constructor', 400],
  ['__proto__', 400],
  ['hasOwnProperty', 418],
];

const HTML = '<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in to the network</body></html>';

/** What stands between the consumer and the service and says that all is well: a captive portal, a proxy. */
export function strangePage(c: Choices): Answer {
  const html = Buffer.from(HTML.repeat(1 + c.below(20)));
  return c.pick<() => Answer>([
    () => ({ status: 200, headers: { 'content-type': 'text/html' }, body: html }),
    () => ({ status: 200, headers: { 'content-type': 'application/octet-stream' }, body: gzipSync(html) }),
    () => ({ status: 200, headers: { 'content-type': 'text/html', 'content-encoding': 'gzip' }, body: gzipSync(html) }),
    () => ({
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: Buffer.from('{"message":"try later"}'),
    }),
    () => ({
      ...errorAnswer(c, 'InternalFailure', 200),
    }),
    () => ({ status: 200, headers: { 'content-type': 'text/plain' }, body: Buffer.alloc(1 + c.below(3000), 32) }),
  ])();
}
