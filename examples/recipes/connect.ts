import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { type MediaSource, readAudio, type WrittenWav, writeWav } from 'kvs-parser/decode';

/** The two sides of a call of Amazon Connect, by the names of their tracks. */
export const SPEAKERS = ['AUDIO_FROM_CUSTOMER', 'AUDIO_TO_CUSTOMER'] as const;
export type Speaker = (typeof SPEAKERS)[number];

/**
 * Writes one call as a WAV file with a channel for each side. It ends where the next contact begins in the same stream.
 *
 * @param speakers which sides; default: both, the customer on the left
 */
export async function callToWav(
  stream: MediaSource,
  path: string,
  speakers: readonly Speaker[] = SPEAKERS,
): Promise<WrittenWav> {
  const file = await open(path, 'w');
  try {
    return await writeWav(stream, (bytes) => file.write(bytes), {
      track: speakers,
      endOn: 'ContactId',
      rewrite: ({ bytes, position }) => file.write(bytes, 0, bytes.length, position),
    });
  } finally {
    await file.close();
  }
}

/**
 * Writes a WAV file for each side of a call.
 *
 * @param openStream gives the call from its beginning: it is read once for each side
 * @returns the paths, in the order of {@link SPEAKERS}
 */
export async function speakersToWav(openStream: () => MediaSource, folder: string): Promise<string[]> {
  return Promise.all(
    SPEAKERS.map(async (speaker) => {
      const path = join(folder, `${speaker}.wav`);
      await callToWav(openStream(), path, [speaker]);
      return path;
    }),
  );
}

/**
 * The events of one side of a call for StartStreamTranscription of Amazon Transcribe: 16-bit PCM, little-endian, of one channel. They end with the call.
 *
 * @param sampleRate in Hz; Connect records at 8000, and where it is another one, the sound is resampled
 */
export async function* transcribeEvents(stream: MediaSource, speaker: Speaker, sampleRate = 8000) {
  for await (const { data } of readAudio(stream, { track: speaker, channels: 1, sampleRate, endOn: 'ContactId' })) {
    yield { AudioEvent: { AudioChunk: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) } };
  }
}
