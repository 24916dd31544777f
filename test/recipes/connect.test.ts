import { createReadStream, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { callToWav, SPEAKERS, speakersToWav, transcribeEvents } from '../../examples/recipes/connect.js';
import { GetMediaConsumer } from '../../src/client/index.js';
import { readFrames } from '../../src/index.js';
import { startLocalKinesisVideo } from '../../src/testing/index.js';
import { clientConfigOf, withFolder } from './support.js';

const CALL = 'test/cases/connect-5.mkv';

/** The PCM of one side, as it lies in the frames. */
async function pcmOf(track: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const frame of readFrames(new Uint8Array(readFileSync(CALL)))) {
    if (frame.track.name === track) parts.push(frame.data);
  }
  return new Uint8Array(Buffer.concat(parts));
}

/** The call out of a local endpoint, through a consumer. */
async function withConsumer<T>(use: (consumer: GetMediaConsumer) => Promise<T>): Promise<T> {
  const local = await startLocalKinesisVideo({
    streams: { call: { source: CALL, keepMetadata: true } },
    idleTimeoutMs: 100,
  });
  try {
    const clientConfig = clientConfigOf(local);
    return await use(new GetMediaConsumer({ streamName: 'call', clientConfig, start: { type: 'EARLIEST' } }));
  } finally {
    await local.close();
  }
}

it('writes a call as a WAV file of two channels', async () => {
  await withFolder(async (folder) => {
    const path = join(folder, 'call.wav');
    const written = await callToWav(new Uint8Array(readFileSync(CALL)), path);
    expect(written).toMatchObject({ sampleRate: 8000, numberOfChannels: 2, duration: 5_440_000 });
    const bytes = readFileSync(path);
    expect(bytes.length).toBe(44 + 174_080);
    expect(bytes.readUInt32LE(40)).toBe(174_080);
    const samples = new Int16Array(new Uint8Array(bytes.subarray(44)).buffer);
    for (const [channel, speaker] of SPEAKERS.entries()) {
      const pcm = new Int16Array((await pcmOf(speaker)).buffer);
      expect(samples.filter((_, index) => index % 2 === channel)).toEqual(pcm);
    }
  });
});

it('writes a WAV file for each side', async () => {
  await withFolder(async (folder) => {
    const paths = await speakersToWav(() => createReadStream(CALL), folder);
    expect(paths).toEqual(SPEAKERS.map((speaker) => join(folder, `${speaker}.wav`)));
    for (const [index, speaker] of SPEAKERS.entries()) {
      const bytes = readFileSync(paths[index]!);
      expect(bytes.readUInt16LE(22)).toBe(1);
      expect(Buffer.compare(bytes.subarray(44), await pcmOf(speaker))).toBe(0);
    }
  });
});

it('gives the PCM of each side for transcription, out of a consumer', async () => {
  for (const speaker of SPEAKERS) {
    const pcm = await pcmOf(speaker);
    const parts: Uint8Array[] = [];
    let size = 0;
    await withConsumer(async (consumer) => {
      for await (const { AudioEvent } of transcribeEvents(consumer, speaker)) {
        parts.push(AudioEvent.AudioChunk.slice());
        size += AudioEvent.AudioChunk.length;
        if (size >= pcm.length) break;
      }
    });
    expect(Buffer.compare(Buffer.concat(parts), pcm)).toBe(0);
  }
});

it('ends both where another contact begins in the same stream', async () => {
  const bytes = Buffer.from(readFileSync(CALL));
  // The value of the tag stands 4 bytes behind its name; from the fourth fragment on it is another one.
  for (let at = bytes.indexOf('ContactId'), index = 0; at >= 0; at = bytes.indexOf('ContactId', at + 9), index++) {
    if (index >= 3) bytes[at + 'ContactId'.length + 4] = 'z'.charCodeAt(0);
  }
  const call = new Uint8Array(bytes);
  for (const speaker of SPEAKERS) {
    let size = 0;
    for await (const { AudioEvent } of transcribeEvents(call, speaker)) size += AudioEvent.AudioChunk.length;
    expect(size).toBe(52_224);
  }
  await withFolder(async (folder) => {
    await callToWav(call, join(folder, 'call.wav'));
    expect(readFileSync(join(folder, 'call.wav')).length).toBe(44 + 2 * 52_224);
  });
});
