import type { GapEvent, ReconnectEvent } from '../../../src/client/events.js';
import { GetMediaConsumer, type GetMediaConsumerSettings } from '../../../src/client/get-media-consumer.js';
import { FakeClock } from './fake-clock.js';
import { FakeService } from './fake-service.js';
import { identify, type StoredFragment, seeded } from './stored-stream.js';

/** A live consumer of a service of its own, and what it tells. */
export function setUp(fragments: readonly StoredFragment[], strict = true, settings: GetMediaConsumerSettings = {}) {
  const clock = new FakeClock();
  const service = new FakeService(clock, fragments);
  service.strict = strict;
  const gaps: GapEvent[] = [];
  const reconnects: ReconnectEvent[] = [];
  const checkpoints: string[] = [];
  const consumer = new GetMediaConsumer({
    streamName: 'stream',
    client: service.control,
    createMediaClient: service.createMediaClient,
    start: { type: 'EARLIEST' },
    clock,
    random: seeded(3),
    onGap: (gap) => gaps.push(gap),
    onReconnect: (event) => reconnects.push(event),
    onCheckpoint: ({ fragmentNumber }) => checkpoints.push(fragmentNumber),
    ...settings,
  });
  return { clock, service, consumer, gaps, reconnects, checkpoints };
}

/** What comes until the last fragment of the stream has. */
export async function takeUntil(consumer: GetMediaConsumer, last: string): Promise<string[]> {
  const taken: string[] = [];
  for await (const fragment of consumer) if (taken.push(identify(fragment)) && taken.at(-1) === last) break;
  return taken;
}

export const identities = (fragments: readonly StoredFragment[]) => fragments.map(({ identity }) => identity);
export const lastOf = (fragments: readonly StoredFragment[]) => fragments.at(-1)!.identity;
