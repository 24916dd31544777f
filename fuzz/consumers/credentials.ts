import type { AwsCredentialIdentity } from '@smithy/types';
import type { Choices } from '../input.js';
import type { FakeStream } from './stream.js';

/** A provider of credentials that fails like those of the SDK do: the network, the token service, or no answer at all. */
export function credentialProvider(stream: FakeStream, c: Choices): () => Promise<AwsCredentialIdentity> {
  return async () => {
    if (stream.reached && c.oneIn(2) && stream.takeFault()) await fail(c);
    return { accessKeyId: stream.issueKey(), secretAccessKey: 'secret' };
  };
}

function fail(c: Choices): Promise<never> {
  const error = (name: string, more: object = {}) =>
    Promise.reject(Object.assign(new Error(`${name} of the token service`), { name, ...more }));
  return c.pick([
    () => error('Error', { code: 'ENOTFOUND', syscall: 'getaddrinfo' }),
    () => error('Error', { code: 'EAI_AGAIN', syscall: 'getaddrinfo' }),
    () => error('Error', { code: 'ECONNRESET' }),
    () => error('CredentialsProviderError'),
    () => error('TimeoutError'),
    () => error('ThrottlingException', { $metadata: { httpStatusCode: 400 } }),
    () => error('ServiceUnavailable', { $metadata: { httpStatusCode: 503 } }),
    () => new Promise<never>(() => {}),
  ])();
}
