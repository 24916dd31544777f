import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Frame, type MkvWarning, readFrames } from '../../src/index.js';
import { countAdtsFrames, isLoas, readAdtsHeader } from '../../src/mkv/codec/aac.js';
import { remuxToMp4 } from '../../src/mp4/index.js';
import { writeGetMediaFragment } from '../../src/testing/get-media-writer.js';
import { ffmpeg, temporaryFolder } from '../support/ffmpeg-media.js';
import { probePackets } from '../support/mp4-judges.js';
import { describeNeeding, tools } from '../support/tools.js';

const FRAME = (1024 * 1e6) / 48_000;

/** A fragment of an AAC track without CodecPrivate, a Block for each of the lists of frames. */
function streamOf(blocks: readonly (readonly Uint8Array[])[], times: readonly number[]): Uint8Array {
  return writeGetMediaFragment({
    tracks: [{ number: 1, type: 'audio', codecId: 'A_AAC' }],
    blocks: blocks.map((frames, index) => ({
      track: 1,
      timestamp: times[index] ?? 0,
      keyframe: true,
      frames,
      lacing: frames.length > 1 ? ('xiph' as const) : ('none' as const),
    })),
  });
}

async function framesOf(bytes: Uint8Array, onWarning?: (warning: MkvWarning) => void): Promise<Frame[]> {
  const frames: Frame[] = [];
  for await (const frame of readFrames(bytes, { onWarning })) frames.push(frame);
  return frames;
}

describeNeeding('AAC in the formats of other containers', [tools('ffmpeg', 'ffprobe')], () => {
  const folder = temporaryFolder();
  ffmpeg(`-f lavfi -i sine=f=440:r=48000:d=1 -ac 1 -c:a aac -b:a 64k -f adts ${join(folder, 'a.aac')}`);
  ffmpeg(`-i ${join(folder, 'a.aac')} -c copy -f latm ${join(folder, 'a.latm')}`);
  const adts = new Uint8Array(readFileSync(join(folder, 'a.aac')));
  const single: Uint8Array[] = [];
  for (let at = 0; at < adts.length; ) {
    const size = readAdtsHeader(adts, at)?.frameSize ?? adts.length;
    single.push(adts.subarray(at, at + size));
    at += size;
  }
  const count = single.length - (single.length % 4);

  /** So many frames behind each other in each frame of a Block, and so many of these laced. */
  function grouped(together: number, laced: number): Uint8Array {
    const blocks: Uint8Array[][] = [];
    const times: number[] = [];
    for (let at = 0; at < count; at += together * laced) {
      times.push(Math.round((at * FRAME) / 1000) * 1000);
      blocks.push(
        Array.from({ length: laced }, (_, lace) => {
          const from = at + lace * together;
          return new Uint8Array(Buffer.concat(single.slice(from, from + together)));
        }),
      );
    }
    return streamOf(blocks, times);
  }

  it.each([
    [1, 1],
    [2, 1],
    [4, 1],
    [2, 2],
  ])('%d frames with ADTS headers in each of %d laces are frames of their own', async (together, laced) => {
    const bytes = grouped(together, laced);
    const frames = await framesOf(bytes);
    expect(frames).toHaveLength(count);
    for (const [index, frame] of frames.entries()) {
      expect(Buffer.compare(frame.data, single[index]!)).toBe(0);
      expect(Math.abs(frame.timestamp - index * FRAME)).toBeLessThanOrEqual(1001);
      expect(frame.duration).toBeCloseTo(FRAME, 3);
      const header = readAdtsHeader(frame.data)!;
      expect(frame.dataFor(frame.track.toAudioDecoderConfig()).length).toBe(frame.size - header.size);
    }
    expect(frames[0]?.track.toAudioDecoderConfig()).toMatchObject({ codec: 'mp4a.40.2', sampleRate: 48_000 });
    const file = join(folder, `${together}-${laced}.mp4`);
    const pieces: Uint8Array[] = [];
    await remuxToMp4(bytes, (piece) => void pieces.push(piece));
    writeFileSync(file, Buffer.concat(pieces));
    expect(probePackets(file)).toHaveLength(count);
  });

  it('a frame that ends within an ADTS frame stays as it is', async () => {
    const cut = new Uint8Array(Buffer.concat([single[2]!, single[3]!.subarray(0, -1)]));
    const frames = await framesOf(streamOf([[single[0]!], [single[1]!], [cut]], [0, 21_000, 43_000]));
    expect(frames.map(({ size }) => size)).toEqual([single[0]!.length, single[1]!.length, cut.length]);
    expect(countAdtsFrames(cut)).toBe(0);
  });

  it('LATM in LOAS is told, and refused in words', async () => {
    const latm = new Uint8Array(readFileSync(join(folder, 'a.latm')));
    const packets: Uint8Array[] = [];
    for (let at = 0; at < latm.length; ) {
      const size = 3 + (((latm[at + 1]! & 31) << 8) | latm[at + 2]!);
      packets.push(latm.subarray(at, at + size));
      at += size;
    }
    expect(packets.every(isLoas)).toBe(true);
    expect(packets.some((packet) => isLoas(packet.subarray(0, -1)))).toBe(false);
    expect(single.some(isLoas)).toBe(false);
    const bytes = streamOf(
      packets.map((packet) => [packet]),
      packets.map((_, index) => Math.round((index * FRAME) / 1000) * 1000),
    );
    const warnings: string[] = [];
    const frames = await framesOf(bytes, ({ message }) => warnings.push(message));
    expect(frames).toHaveLength(packets.length);
    expect(warnings).toEqual([expect.stringContaining('LATM')]);
    expect(frames[0]?.track.codecString).toBeUndefined();
    expect(frames[0]?.track.toAudioDecoderConfig()).toBeUndefined();
    expect(() => frames[0]?.toEncodedChunk()).toThrow(/LATM/);
    await expect(remuxToMp4(bytes, () => {})).rejects.toThrow(/LATM/);
  });
});
