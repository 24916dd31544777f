import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { startLocalKinesisVideo } from '../../src/testing/local-kinesis-video.js';
import { LocalStream } from '../../src/testing/local-stream.js';
import { bundleForBrowser, openBrowser } from '../support/browser.js';
import { describeNeeding, tools } from '../support/tools.js';
import { getMedia, numbersOf, RECORDING, readBody, start } from './support.js';

describe('a stream', () => {
  it('is filled in real time, and read as it grows', async () => {
    const source = { source: RECORDING, realtime: true, speed: 50 };
    const server = await start({ streams: { camera: source }, idleTimeoutMs: 1000 });
    expect(server.stream('camera').fragments.length).toBeLessThan(8);
    const fragments = await readBody(await getMedia(server.endpoint));
    expect(fragments).toHaveLength(8);
    await server.filled();
    const numbers = server.stream('camera').fragments.map(({ fragmentNumber }) => fragmentNumber);
    expect(numbersOf(fragments)).toEqual(numbers);
    const [first, second] = server.stream('camera').fragments;
    expect((second?.producerTimestamp ?? 0) - (first?.producerTimestamp ?? 0)).toBe(1400);
  });

  it('is looped for ever, and forgets what is old', async () => {
    const streams = { camera: { source: RECORDING, realtime: true, speed: 2000, loop: true } };
    const server = await start({ streams, retention: 20 });
    const stream = server.stream('camera');
    await expect.poll(() => stream.fragments[0]?.producerTimestamp).toBeGreaterThan(Date.now() + 10_000);
    expect(stream.fragments.length).toBeLessThan(40);
    const times = stream.fragments.map(({ producerTimestamp }) => producerTimestamp);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });

  it('is filled from chunks of any size, several times over', async () => {
    const stream = new LocalStream('camera');
    const bytes = readFileSync(RECORDING);
    const chunks = (function* () {
      for (let at = 0; at < bytes.length; at += 777) yield bytes.subarray(at, at + 777);
    })();
    await stream.fill(chunks, { loop: 3, startTimestamp: 1000 });
    expect(stream.fragments).toHaveLength(24);
    expect(stream.fragments.map(({ producerTimestamp }) => producerTimestamp).slice(7, 10)).toEqual([
      10_200, 11_000, 12_400,
    ]);
    expect(stream.fragments[8]?.head).toEqual(stream.fragments[0]?.head);
    await stream.fill(bytes, { loop: false });
    expect(stream.fragments).toHaveLength(32);
    await expect(stream.fill(bytes, { loop: true })).rejects.toThrow(RangeError);
  });

  it('keeps the metadata of a recording if told to, and refuses to go back', async () => {
    const stream = new LocalStream('camera');
    await stream.fill(RECORDING, { keepMetadata: true });
    expect(stream.fragments[0]?.fragmentNumber).toBe('91343852333181432392682062607743920146270339185');
    await expect(stream.fill(RECORDING, { keepMetadata: true })).rejects.toThrow(RangeError);
    await stream.fill(RECORDING);
    expect(stream.fragments).toHaveLength(16);
  });

  it('that is deleted ends its readers', async () => {
    const server = await start({ streams: { camera: { source: RECORDING } }, idleTimeoutMs: 60_000 });
    const reading = getMedia(server.endpoint).then(readBody);
    await expect.poll(() => server.requests.length).toBe(1);
    server.deleteStream('camera');
    await expect(reading).rejects.toThrow();
    await expect(getMedia(server.endpoint)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });

  it('cannot be filled from what is no Matroska, or is not there', async () => {
    const source = Buffer.from('this is text and no video');
    await expect(startLocalKinesisVideo({ streams: { camera: { source } } })).rejects.toThrow(
      'byte 0: this is text, not Matroska',
    );
    await expect(startLocalKinesisVideo({ streams: { camera: { source: 'nowhere.mkv' } } })).rejects.toThrow('ENOENT');
  });
});

describe('a session', () => {
  it('ends after its longest time, and the consumer goes on by its token', async () => {
    const streams = { camera: { source: RECORDING, realtime: true, speed: 20, loop: true } };
    const server = await start({ streams, maxSessionMs: 200, idleTimeoutMs: 2000, limits: { callsPerSecond: 50 } });
    const first = await readBody(await getMedia(server.endpoint));
    const ContinuationToken = first.at(-1)?.tags.get('CONTINUATION_TOKEN');
    const next = await readBody(
      await getMedia(server.endpoint, { StartSelectorType: 'CONTINUATION_TOKEN', ContinuationToken }),
    );
    const all = server.stream('camera').fragments.map(({ fragmentNumber }) => fragmentNumber);
    const numbers = numbersOf([...first, ...next]);
    expect(next.length).toBeGreaterThan(0);
    expect(numbers).toEqual(all.slice(0, numbers.length));
  });

  it('waits for a slow consumer, and is cut when it takes nothing', async () => {
    const source = readFileSync(RECORDING);
    const streams = { camera: { source, loop: 200 } };
    const server = await start({ streams, slowConsumerMs: 100, limits: false });
    const iterator = (await getMedia(server.endpoint))[Symbol.asyncIterator]();
    await iterator.next();
    await new Promise((resolve) => setTimeout(resolve, 400));
    let received = 0;
    const rest = (async () => {
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next())
        received += next.value.length;
    })();
    await expect(rest).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(received).toBeLessThan(source.length * 200);
  });
});

describeNeeding('a browser', [tools('chromium')], () => {
  it('reads the endpoint with the AWS SDK from another origin, and sees its errors', async () => {
    const server = await start({ streams: { camera: { source: RECORDING } } });
    const code = await bundleForBrowser(`
      import { GetMediaCommand, KinesisVideoMediaClient } from '@aws-sdk/client-kinesis-video-media';
      import { Mkv } from './src/mkv/elements.js';
      import { readElements } from './src/mkv/streams.js';
      export async function count(endpoint: string, StreamName: string) {
        const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
        const client = new KinesisVideoMediaClient({ endpoint, region: 'us-east-1', credentials, maxAttempts: 1 });
        try {
          const output = await client.send(new GetMediaCommand({ StreamName, StartSelector: { StartSelectorType: 'EARLIEST' } }));
          let frames = 0;
          for await (const element of readElements(output.Payload as ReadableStream<Uint8Array>)) {
            if (element.kind === 'data' && element.is(Mkv.SimpleBlock)) frames++;
          }
          return String(frames);
        } catch (error) {
          return String(error.name) + ' ' + String(error.$metadata?.requestId?.length);
        }
      }
    `);
    const session = await openBrowser({ '/bundle.js': { type: 'text/javascript', body: code } });
    try {
      const run = (stream: string) =>
        session.page.evaluate(`import('/bundle.js').then(({ count }) => count('${server.endpoint}', '${stream}'))`);
      expect(await run('camera')).toBe('719');
      expect(await run('nothing')).toBe('ResourceNotFoundException 36');
    } finally {
      await session.close();
    }
  });
});
