import { createReadStream, readFileSync } from 'node:fs';
import { ALL_FORMATS, BufferSource, EncodedPacketSink, Input } from 'mediabunny';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { uploadFragments, uploadMp4 } from '../../examples/recipes/s3-upload.js';
import { FragmentListConsumer } from '../../src/client/index.js';
import { readFragments } from '../../src/index.js';
import { findBoxes, readBoxes } from '../support/mp4-judges.js';
import { LocalS3 } from './s3.js';
import { clientConfigOf, FRAGMENTS, RECORDING, startDoor } from './support.js';

let s3: LocalS3;
beforeEach(async () => {
  s3 = await LocalS3.start();
});
afterEach(() => s3.close());

it('puts each fragment as an object that is read again', async () => {
  const local = await startDoor();
  try {
    const range = { type: 'SERVER_TIMESTAMP', from: new Date(0), to: new Date() } as const;
    const consumer = new FragmentListConsumer({ streamName: 'door', clientConfig: clientConfigOf(local), range });
    const target = { client: s3.client(), bucket: 'recordings' };
    expect(await uploadFragments(consumer, 'door', target)).toBe(FRAGMENTS);
    const stored = local.stream('door').fragments;
    const keys = stored.map(({ fragmentNumber, producerTimestamp }) => {
      const time = new Date(producerTimestamp);
      return `recordings/door/${time.toISOString().slice(0, 10)}/${time.getTime()}-${fragmentNumber}.mkv`;
    });
    expect([...s3.objects.keys()]).toEqual(keys);
    let frames = 0;
    for (const body of s3.objects.values())
      for await (const fragment of readFragments(new Uint8Array(body))) frames += fragment.frames.length;
    expect(frames).toBe(719);
  } finally {
    await local.close();
  }
});

/** Pictures that make a file of several parts: S3 takes parts of 5 MiB and more. */
async function* long(
  rounds: number,
  onRound: (round: number) => void = () => {},
): AsyncGenerator<Uint8Array, undefined> {
  const recording = new Uint8Array(readFileSync(RECORDING));
  for (let round = 0; round < rounds; round++) {
    onRound(round);
    yield recording;
  }
  return undefined;
}

it('uploads an MP4 in parts while it is read', async () => {
  const rounds = Math.ceil(6e6 / readFileSync(RECORDING).length);
  await uploadMp4(long(rounds), 'door.mp4', { client: s3.client(), bucket: 'recordings' });
  expect([...s3.objects.keys()]).toEqual(['recordings/door.mp4']);
  expect(s3.uploads.size).toBe(0);
  expect(s3.actions).toContain('s3:PutObject');
  const source = new BufferSource(new Uint8Array(s3.objects.get('recordings/door.mp4') ?? []));
  const track = await new Input({ source, formats: ALL_FORMATS }).getPrimaryVideoTrack();
  if (track === null) throw new Error('there is no video');
  let packets = 0;
  for await (const _ of new EncodedPacketSink(track).packets()) packets++;
  expect(packets).toBe(250 * rounds);
});

it('describes what comes behind a change of resolution', async () => {
  const stream = createReadStream('test/cases/sps-change--stale.mkv');
  await uploadMp4(stream, 'change.mp4', { client: s3.client(), bucket: 'recordings' });
  const bytes = new Uint8Array(s3.objects.get('recordings/change.mp4') ?? []);
  const boxes = readBoxes(bytes);
  expect(findBoxes(boxes, 'moov')).toHaveLength(1);
  expect(findBoxes(boxes, 'avc1')).toHaveLength(2);
});

it('uploads a short one at once', async () => {
  await uploadMp4(createReadStream(RECORDING), 'short.mp4', { client: s3.client(), bucket: 'recordings' });
  expect([...s3.objects.keys()]).toEqual(['recordings/short.mp4']);
});

it('leaves nothing where the stream fails, S3 fails, or a signal ends it', async () => {
  const target = { client: s3.client(), bucket: 'recordings' };
  const broken = long(100, (round) => {
    if (round === 40) throw new Error('the line is dead');
  });
  await expect(uploadMp4(broken, 'broken.mp4', target)).rejects.toThrow('the line is dead');

  const ended = new AbortController();
  const stopped = long(100, (round) => {
    if (round === 40) ended.abort(new Error('enough'));
  });
  await expect(uploadMp4(stopped, 'stopped.mp4', { ...target, signal: ended.signal })).rejects.toThrow('enough');
  expect(s3.objects.size).toBe(0);
  expect(s3.uploads.size).toBe(0);
  expect(s3.actions).toContain('s3:AbortMultipartUpload');

  s3.failAt = 0;
  await expect(uploadMp4(createReadStream(RECORDING), 'denied.mp4', target)).rejects.toThrow('AccessDenied');
  // A stream that would go on ends where S3 takes no more of it.
  let rounds = 0;
  const endless = long(Number.POSITIVE_INFINITY, (round) => {
    rounds = round;
  });
  await expect(uploadMp4(endless, 'denied.mp4', target)).rejects.toThrow('AccessDenied');
  expect(rounds).toBeLessThan(200);
  const local = await startDoor();
  try {
    const range = { type: 'SERVER_TIMESTAMP', from: new Date(0), to: new Date() } as const;
    const consumer = new FragmentListConsumer({ streamName: 'door', clientConfig: clientConfigOf(local), range });
    await expect(uploadFragments(consumer, 'door', target)).rejects.toThrow('AccessDenied');
  } finally {
    await local.close();
  }
});
