import { FragmentListConsumer } from '../../src/client/fragment-list-consumer.js';
import { credentialProvider } from './credentials.js';
import type { FakeService } from './service.js';
import { type Run, runSession } from './session.js';

/** `FragmentListConsumer` over all that a stream has stored, again from the beginning when the service has ended it for good. */
export function runStoredSession(service: FakeService, seed: number, run: Run): Promise<void> {
  return runSession(service, seed, 'stored', run, async ({ c, clock, endpoint, ledger, shape, signal, stream }) => {
    for (;;) {
      ledger.restart(undefined);
      const consumer = new FragmentListConsumer({
        streamName: 'camera',
        clientConfig: { endpoint, region: 'us-east-1', credentials: credentialProvider(stream, c) },
        range: { type: 'SERVER_TIMESTAMP', from: new Date(0), to: new Date() },
        batchSize: c.pick([1, 3, 10, 100]),
        connections: 1 + c.below(5),
        signal,
        clock,
        random: c.next,
        verifyCrc: shape.crc,
        onFailure: ({ fragmentNumber, error }) => ledger.fail(fragmentNumber, error.message),
      });
      try {
        for await (const fragment of consumer) ledger.take(fragment);
        ledger.end();
        return;
      } catch (error) {
        ledger.endedBy(error);
      }
    }
  });
}
