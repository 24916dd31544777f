import type { Checkpoint } from '../../src/client/checkpoint.js';
import { GetMediaConsumer, type GetMediaConsumerSettings } from '../../src/client/get-media-consumer.js';
import { RateLimiter } from '../../src/client/rate-limiter.js';
import { FORGED } from './camera.js';
import { credentialProvider } from './credentials.js';
import type { FakeService } from './service.js';
import { type Run, runSession, type SessionParts } from './session.js';

/** A checkpoint of no stream, as a consumer that believed a frame would have saved it. */
const POISON = JSON.stringify({ fragmentNumber: FORGED, continuationToken: FORGED });

/** `GetMediaConsumer` against a live stream: one consumer after the other, each behind the checkpoint of the one before. */
export function runLiveSession(service: FakeService, seed: number, run: Run): Promise<void> {
  return runSession(service, seed, 'live', run, async (parts) => {
    const { c, ledger } = parts;
    let saved: string | undefined;
    const restarts = c.oneIn(2);
    const poison = c.oneIn(10);
    const resumeBy = c.pick(['FRAGMENT_NUMBER', 'CONTINUATION_TOKEN'] as const);
    const reuseBuffers = c.pick([false, true, 'overwrite'] as const);
    for (let consumers = 1; ; consumers++) {
      if (poison && consumers === 2) saved = POISON;
      if (saved === POISON) {
        ledger.poison();
      } else {
        ledger.restart(saved === undefined ? undefined : JSON.parse(saved).fragmentNumber);
      }
      const store = {
        load: (): Checkpoint | undefined => (saved === undefined ? undefined : JSON.parse(saved)),
        save: (checkpoint: Checkpoint) => {
          saved = JSON.stringify(checkpoint);
        },
      };
      const consumer = openConsumer(parts, { resumeBy, reuseBuffers, checkpointStore: store });
      const stopAfter = restarts || (poison && consumers === 1) ? 1 + c.below(12) : Number.POSITIVE_INFINITY;
      let count = 0;
      try {
        for await (const fragment of consumer) {
          ledger.take(fragment);
          if (ledger.complete || ++count >= stopAfter) break;
        }
        if (c.oneIn(2)) await consumer.commit();
      } catch (error) {
        ledger.endedBy(error);
      }
      if (ledger.complete) return;
    }
  });
}

function openConsumer(
  { c, clock, endpoint, ledger, shape, signal, stream }: SessionParts,
  settings: Pick<GetMediaConsumerSettings, 'resumeBy' | 'reuseBuffers' | 'checkpointStore'>,
): GetMediaConsumer {
  return new GetMediaConsumer({
    streamName: 'camera',
    clientConfig: { endpoint, region: 'us-east-1', credentials: credentialProvider(stream, c) },
    start: { type: 'EARLIEST' },
    signal,
    clock,
    random: c.next,
    verifyCrc: shape.crc,
    rateLimiter: new RateLimiter(50, 1000, clock),
    onGap: (gap) => ledger.tell(`${gap.kind}: ${gap.reason}`),
    ...settings,
  });
}
