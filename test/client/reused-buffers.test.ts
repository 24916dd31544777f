import { describe, expect, it, vi } from 'vitest';
import type { GetMediaConsumerSettings } from '../../src/client/get-media-consumer.js';
import { FakeClock } from './support/fake-clock.js';
import { FakeService } from './support/fake-service.js';
import { identify, type StoredFragment, seeded, storedStream } from './support/stored-stream.js';

// The tests of the consumer once more, each consumer with memory that is used again and overwritten then.
vi.mock(import('../../src/client/get-media-consumer.js'), async (original) => {
  const { GetMediaConsumer, ...rest } = await original();
  class ReusingConsumer extends GetMediaConsumer {
    constructor(options: ConstructorParameters<typeof GetMediaConsumer>[0]) {
      super({ reuseBuffers: 'overwrite', ...options });
    }
  }
  return { ...rest, GetMediaConsumer: ReusingConsumer };
});

const { GetMediaConsumer } = await import('../../src/client/get-media-consumer.js');
const { writeMkv } = await import('../../src/cli/recording-writer.js');
await import('./get-media-consumer.test.js');
await import('./incomplete-fragments.test.js');
await import('./hostile-streams.test.js');
await import('./lost-positions.test.js');
await import('./random-faults.test.js');

/** Connections end within fragments, and chunks end anywhere. */
function setUp(settings: GetMediaConsumerSettings = {}) {
  const fragments = storedStream({ count: 20, framesEach: 5, frameSize: 3000, padding: 60_000 });
  const clock = new FakeClock();
  const service = new FakeService(clock, fragments);
  const random = seeded(9);
  service.chunkSize = () => Math.floor(random() * 40_000);
  service.fault = () => ({ type: 'cut', bytes: Math.floor(random() * 400_000), clean: true });
  const consumer = new GetMediaConsumer({
    streamName: 'stream',
    client: service.control,
    createMediaClient: service.createMediaClient,
    start: { type: 'EARLIEST' },
    clock,
    random: seeded(7),
    ...settings,
  });
  return { clock, fragments, consumer };
}

const identities = (fragments: readonly StoredFragment[]) => fragments.map(({ identity }) => identity);
const isOverwritten = (bytes: Uint8Array) => bytes.length > 0 && bytes.every((byte) => byte === 0xdd);

describe('a consumer that uses its memory again', () => {
  it('gives each fragment as it was sent, and takes its memory back when the next one is asked for', async () => {
    const { clock, fragments, consumer } = setUp();
    const seen: string[] = [];
    let before: { readonly bytes: Uint8Array; readonly copy: Buffer } | undefined;
    const read = async () => {
      for await (const fragment of consumer) {
        // It is overwritten, or has been used again since.
        if (before !== undefined) expect(before.copy.equals(before.bytes)).toBe(false);
        const bytes = fragment.frames[0]?.parts[0] ?? new Uint8Array(0);
        before = { bytes, copy: Buffer.from(bytes) };
        if (seen.push(identify(fragment)) === fragments.length) break;
      }
    };
    await clock.run(read());
    expect(seen).toEqual(identities(fragments));
    // The loop has been left: the last fragment stays its caller's.
    expect(before?.copy.equals(before.bytes)).toBe(true);
  });

  it('gives the bytes that were sent, each piece until the next one is asked for', async () => {
    const { clock, fragments, consumer } = setUp();
    const sent = Buffer.concat(fragments.map(({ bytes }) => bytes));
    const pieces: Buffer[] = [];
    let length = 0;
    const read = async () => {
      for await (const piece of consumer.bytes()) {
        pieces.push(Buffer.from(piece));
        length += piece.length;
        if (length >= sent.length) break;
      }
    };
    await clock.run(read());
    expect(Buffer.concat(pieces).equals(sent)).toBe(true);
  });

  it('leaves the memory of uncommitted fragments until they, or later ones, are committed', async () => {
    const { clock, fragments, consumer } = setUp();
    const seen: string[] = [];
    const held: { bytes: Uint8Array; copy: Buffer; commit: () => Promise<void> }[] = [];
    const read = async () => {
      for await (const { fragment, commit } of consumer.uncommitted()) {
        const bytes = fragment.frames[0]?.parts[0] ?? new Uint8Array(0);
        held.push({ bytes, copy: Buffer.from(bytes), commit });
        for (const one of held) expect(one.copy.equals(one.bytes)).toBe(true);
        seen.push(identify(fragment));
        if (held.length === 5) {
          const [first, ...committed] = held.splice(0, 3);
          await committed.at(-1)?.commit();
          await first?.commit();
          for (const one of [first, ...committed]) expect(one !== undefined && isOverwritten(one.bytes)).toBe(true);
        }
        if (seen.length === fragments.length) break;
      }
    };
    await clock.run(read());
    expect(seen).toEqual(identities(fragments));
  });

  it('records the same file', async () => {
    const recorded = async (reuseBuffers: boolean) => {
      const stop = new AbortController();
      const { clock, fragments, consumer } = setUp({ signal: stop.signal, ...(reuseBuffers ? {} : { reuseBuffers }) });
      const pieces: Buffer[] = [];
      let written = 0;
      const output = {
        isStandardOutput: false,
        beside: undefined,
        write: async (bytes: Uint8Array) => void pieces.push(Buffer.from(bytes)),
        finish: async () => {},
        keep: async () => undefined,
        abandon: async () => {},
      };
      const write = writeMkv(
        consumer.documents(),
        output,
        () => {},
        () => {
          if (++written === fragments.length) stop.abort();
        },
      );
      const { bytes } = await clock.run(write);
      expect(written).toBe(fragments.length);
      return Buffer.concat(pieces).subarray(0, bytes);
    };
    const file = await recorded(true);
    expect(file.equals(await recorded(false))).toBe(true);
    expect(file.length).toBeGreaterThan(1e6);
  });
});
