import { describe, expect, it } from 'vitest';
import { fromStreamError, toKinesisVideoError } from '../../src/client/service-error.js';

/** The kind of what the SDK throws for an answer with this name. */
const kindOfName = (name: string, httpStatusCode = 400, more: object = {}) =>
  toKinesisVideoError('GetMedia', Object.assign(new Error('no'), { name, $metadata: { httpStatusCode, ...more } }))
    .kind;

/** The kind of what the platform throws. */
const kindOfCode = (code: string) =>
  toKinesisVideoError('GetMedia', Object.assign(new Error(`it said ${code}`), { code })).kind;

describe('kinds of failures', () => {
  it.each([
    'BandwidthLimitExceeded',
    'EC2ThrottledException',
    'LimitExceededException',
    'PriorRequestNotComplete',
    'ProvisionedThroughputExceededException',
    'RequestLimitExceeded',
    'RequestThrottled',
    'RequestThrottledException',
    'SlowDown',
    'ThrottledException',
    'Throttling',
    'ThrottlingException',
    'TooManyRequestsException',
    'TransactionInProgressException',
    'ClientLimitExceededException',
    'ClientLimitExceededException:http://internal.amazon.com/coral/com.amazonaws.kinesisvideo/',
    'com.amazonaws.kinesisvideo#ConnectionLimitExceededException',
    'ClientLimitExceeded',
  ])('takes %s for throttling', (name) => {
    expect(kindOfName(name)).toBe('throttled');
  });

  it.each(['toString', 'constructor', '__proto__', 'hasOwnProperty', 'valueOf', 'Exception'])(
    'finds nothing for an error named %s',
    (name) => {
      expect(kindOfName(name)).toBe('final');
      expect(kindOfName(name, 200)).toBe('unknown');
    },
  );

  it.each([
    'ECONNREFUSED',
    'ECONNRESET',
    'ENOTFOUND',
    'EAI_AGAIN',
    'EAI_FAIL',
    'EPIPE',
    'EPROTO',
    'HPE_INVALID_CONSTANT',
    'HPE_HEADER_OVERFLOW',
    'UND_ERR_SOCKET',
    'ERR_HTTP2_STREAM_ERROR',
    'ERR_SSL_WRONG_VERSION_NUMBER',
    'ERR_STREAM_PREMATURE_CLOSE',
  ])('takes %s for a failed connection', (code) => {
    expect(kindOfCode(code)).toBe('connection');
  });

  it.each([
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'CERT_HAS_EXPIRED',
    'CERT_NOT_YET_VALID',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    'HOSTNAME_MISMATCH',
  ])('takes %s for final', (code) => {
    const thrown = Object.assign(new Error('certificate'), { code });
    expect(toKinesisVideoError('GetMedia', thrown)).toMatchObject({ kind: 'final', code, cause: thrown });
    // As fetch wraps it.
    const wrapped = new TypeError('fetch failed', { cause: thrown });
    expect(toKinesisVideoError('GetMedia', wrapped)).toMatchObject({ kind: 'final', code, cause: wrapped });
  });

  it('looks for the system’s word behind that of the platform', () => {
    const cause = Object.assign(new Error('getaddrinfo'), { code: 'EAI_AGAIN' });
    expect(toKinesisVideoError('GetMedia', new TypeError('failed', { cause }))).toMatchObject({
      kind: 'connection',
      code: 'EAI_AGAIN',
    });
    expect(toKinesisVideoError('GetMedia', new AggregateError([cause]))).toMatchObject({ kind: 'connection' });
    const circle = new Error('odd');
    circle.cause = circle;
    expect(toKinesisVideoError('GetMedia', circle).kind).toBe('unknown');
    expect(kindOfCode('ERR_INVALID_URL')).toBe('unknown');
  });

  it('knows a wrong clock by the SDK’s correction', () => {
    for (const name of [
      'InvalidSignatureException',
      'RequestTimeTooSkewed',
      'RequestExpired',
      'SignatureDoesNotMatch',
    ]) {
      expect(kindOfName(name, 403, { clockSkewCorrected: true })).toBe('clock');
    }
    expect(kindOfName('InvalidSignatureException', 403)).toBe('credentials');
    expect(kindOfName('RequestExpired')).toBe('expired');
    expect(kindOfName('ResourceNotFoundException', 404, { clockSkewCorrected: true })).toBe('final');
  });

  it('takes pages of others for what passes', () => {
    const page = (status: number) => kindOfName('SyntaxError', status);
    expect(page(200)).toBe('service');
    expect(page(502)).toBe('service');
    // Whether it is a page of something between or a wrong address is not known.
    expect(page(404)).toBe('unknown');
    expect(kindOfName('UnknownError', 302)).toBe('service');
  });

  it('shows no more than 100 characters of each text of an error in the stream', () => {
    const long = 'X'.repeat(5000);
    const error = fromStreamError({ operation: 'GetMedia', code: long, id: 7, message: long }, undefined);
    expect(error.message.length).toBeLessThan(300);
    expect(error.code).toBe(long);
  });

  it('has one rule for ids in the stream that nobody knows, and for none', () => {
    const kindOf = (id: number | undefined) =>
      fromStreamError({ operation: 'GetMedia', code: 'X', id, message: undefined }, undefined).kind;
    expect([undefined, 0, 1, 3001, 4001, 4507, 4999, 5001, 99999].map(kindOf)).toEqual(Array(9).fill('unknown'));
    expect([3002, 4503, 5000].map(kindOf)).toEqual(['service', 'service', 'service']);
    expect(kindOf(4000)).toBe('position');
    expect([4500, 4501, 4502, 4504, 4505, 4506].map(kindOf)).toEqual(Array(6).fill('final'));
  });
});
