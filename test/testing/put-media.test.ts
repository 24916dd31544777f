import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { writeGetMediaFragment } from '../../src/testing/get-media-writer.js';
import { type Acknowledgement, putMedia } from './put-media.js';
import { getMedia, numbersOf, RECORDING, readBody, start } from './support.js';

const recording = readFileSync(RECORDING);
const facts = JSON.parse(readFileSync('examples/recording/camera.json', 'utf8'));
const TRACKS = [{ number: 1, codecId: 'V_MJPEG', video: { pixelWidth: 2, pixelHeight: 2 } }];

const kinds = (acknowledgements: readonly Acknowledgement[]) => acknowledgements.map(({ EventType }) => EventType);

/** Whether a producer may begin. */
async function putMediaStatus(endpoint: string): Promise<number | undefined> {
  const put = putMedia(endpoint);
  put.call.end();
  return (await put.done).status;
}

describe('PutMedia', () => {
  it('stores fragments and acknowledges each', async () => {
    const server = await start({ streams: { camera: {} } });
    const start0 = 1_700_000_000.25;
    const put = putMedia(server.endpoint, { 'x-amzn-producer-start-timestamp': String(start0) });
    for (let at = 0; at < recording.length; at += 10_000) put.call.write(recording.subarray(at, at + 10_000));
    put.call.end();
    expect(await put.done).toEqual({ status: 200, error: undefined });
    expect(kinds(put.acknowledgements)).toEqual(Array(8).fill(['BUFFERING', 'RECEIVED', 'PERSISTED']).flat());
    const persisted = put.acknowledgements.filter(({ EventType }) => EventType === 'PERSISTED');
    const times = facts.fragments.map((fragment: { timestamp: number }) => fragment.timestamp / 1000);
    expect(persisted.map(({ FragmentTimecode }) => FragmentTimecode)).toEqual(times);
    const fragments = await readBody(await getMedia(server.endpoint));
    expect(numbersOf(fragments)).toEqual(persisted.map(({ FragmentNumber }) => FragmentNumber));
    expect(fragments.map(({ producerTags }) => producerTags)).toEqual(
      facts.fragments.map((fragment: { tags: unknown }) => fragment.tags),
    );
    expect(fragments.map(({ tags }) => tags.get('PRODUCER_TIMESTAMP'))).toEqual(
      times.map((time: number) => (start0 + time / 1000).toFixed(3)),
    );
  });

  it('acknowledges while the producer is still sending, and GetMedia sees the fragment', async () => {
    const server = await start({ streams: { camera: {} }, idleTimeoutMs: 30_000, idleAcknowledgementMs: 30 });
    const put = putMedia(server.endpoint);
    const [first, second] = [recording.subarray(0, 30_000), recording.subarray(30_000)];
    put.call.write(first);
    await expect
      .poll(() => kinds(put.acknowledgements))
      .toEqual(expect.arrayContaining(['PERSISTED', 'BUFFERING', 'IDLE']));
    for await (const chunk of await getMedia(server.endpoint)) if (chunk.length > 0) break;
    put.call.end(second);
    await put.done;
    expect(kinds(put.acknowledgements).filter((kind) => kind === 'PERSISTED')).toHaveLength(8);
  });

  it('takes the Cluster timestamps of ABSOLUTE fragments for times of day', async () => {
    const server = await start({ streams: { camera: {} } });
    const blocks = [{ track: 1, timestamp: 1_700_000_000_123_000, frames: [Uint8Array.of(1)], keyframe: true }];
    const put = putMedia(server.endpoint, { 'x-amzn-fragment-timecode-type': 'ABSOLUTE' });
    put.call.end(writeGetMediaFragment({ tracks: TRACKS, blocks }));
    await put.done;
    const [fragment] = await readBody(await getMedia(server.endpoint));
    expect(fragment?.tags.get('PRODUCER_TIMESTAMP')).toBe('1700000000.123');
  });

  it('splits a document of many Clusters, each with the header and the tags after it', async () => {
    const server = await start({ streams: { camera: {} } });
    const document = (index: number, tags: [string, string][]) => {
      const blocks = [{ track: 1, timestamp: index * 1e6, frames: [Uint8Array.of(index)], keyframe: true }];
      return writeGetMediaFragment({ tracks: index === 0 ? TRACKS : [], tags, blocks }, { noInfo: index > 0 });
    };
    const first = document(0, [['persistent', 'yes']]);
    // The children of other documents' Segments, as a producer goes on within one.
    const children = (bytes: Uint8Array) =>
      bytes.subarray(Buffer.from(bytes).indexOf(Buffer.from([0x1f, 0x43, 0xb6, 0x75])));
    const tags = (bytes: Uint8Array) =>
      bytes.subarray(Buffer.from(bytes).indexOf(Buffer.from([0x12, 0x54, 0xc3, 0x67])));
    const put = putMedia(server.endpoint);
    put.call.write(first);
    put.call.write(children(document(1, [])));
    put.call.end(tags(document(2, [['once', 'only']])));
    expect((await put.done).status).toBe(200);
    const fragments = await readBody(await getMedia(server.endpoint));
    expect(fragments.map(({ producerTags }) => producerTags)).toEqual([
      [['persistent', 'yes']],
      [
        ['persistent', 'yes'],
        ['once', 'only'],
      ],
      [['persistent', 'yes']],
    ]);
    expect(fragments.map(({ clusterTimestamps }) => clusterTimestamps)).toEqual([[0], [1000], [2000]]);
  });

  it('says what is wrong with the bytes, and keeps what came before', async () => {
    const server = await start({ streams: { camera: {} } });
    const put = putMedia(server.endpoint);
    put.call.write(recording.subarray(0, 30_000));
    put.call.end(Buffer.alloc(40_000));
    await put.done;
    expect(put.acknowledgements.at(-1)).toMatchObject({ EventType: 'ERROR', ErrorId: 4006 });
    expect(server.stream('camera').fragments).toHaveLength(1);
  });

  it('keeps what a producer sent whole before it broke off', async () => {
    const server = await start({ streams: { camera: {} } });
    const put = putMedia(server.endpoint);
    put.done.catch(() => {});
    put.call.write(recording.subarray(0, 30_000));
    await expect.poll(() => put.acknowledgements.length).toBeGreaterThan(3);
    const { FragmentNumber } = put.acknowledgements[0] ?? {};
    put.call.destroy();
    await expect.poll(() => server.stream('camera').fragments.length).toBe(1);
    expect(server.stream('camera').fragments[0]?.fragmentNumber).toBe(FragmentNumber);
    await expect.poll(() => putMediaStatus(server.endpoint)).toBe(200);
  });

  it('refuses what is no producer', async () => {
    const server = await start({ streams: { camera: {} }, limits: false });
    const answer = async (headers: Record<string, string>) => {
      const put = putMedia(server.endpoint, headers);
      put.call.end();
      return put.done;
    };
    expect(await answer({ 'x-amzn-stream-name': 'other' })).toEqual({
      status: 404,
      error: 'ResourceNotFoundException',
    });
    const wrong = { status: 400, error: 'InvalidArgumentException' };
    expect(await answer({ 'x-amzn-fragment-timecode-type': 'NEITHER' })).toEqual(wrong);
    expect(await answer({ 'x-amzn-producer-start-timestamp': 'today' })).toEqual(wrong);
  });

  it('takes one producer at a time', async () => {
    const server = await start({ streams: { camera: {} } });
    const one = putMedia(server.endpoint);
    one.call.write(recording.subarray(0, 30_000));
    await expect.poll(() => one.acknowledgements.length).toBeGreaterThan(0);
    const other = putMedia(server.endpoint);
    other.call.end();
    expect(await other.done).toEqual({ status: 400, error: 'ConnectionLimitExceededException' });
    one.call.end();
    await one.done;
  });
});
