import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concatBytes, writeElement, writeHeader, writeMaster } from '../../src/ebml/writer.js';
import { Mkv, MkvParseError } from '../../src/index.js';
import { Mp4RemuxError, remuxToMp4 } from '../../src/mp4/index.js';
import { writeGetMediaFragment } from '../../src/testing/get-media-writer.js';
import { writeTrackEntry } from '../../src/testing/track-writer.js';
import { temporaryFolder } from '../support/ffmpeg-media.js';
import { arbitraryKvsStream } from '../support/kvs-generator.js';
import { readMedia } from '../support/kvs-media.js';
import { describeNeeding, tools } from '../support/tools.js';
import { joinSegments, judgeLayout, segmentsOf } from './support.js';

const RECORDING = new Uint8Array(readFileSync('examples/recording/camera.mkv'));

/** What comes out is well-formed, or the error is one that is documented. */
async function survives(bytes: Uint8Array, recover: boolean): Promise<void> {
  try {
    for (const chunkDuration of [undefined, 100]) {
      const segments = await segmentsOf(bytes, { recover, chunkDuration });
      if (segments.length > 0) judgeLayout(joinSegments(segments));
    }
    const parts: Uint8Array[] = [];
    await remuxToMp4(bytes, (part) => void parts.push(part), { recover });
    judgeLayout(new Uint8Array(Buffer.concat(parts)));
  } catch (error) {
    if (!(error instanceof MkvParseError)) expect(error).toBeInstanceOf(Mp4RemuxError);
  }
}

describe('hostile input to MP4', () => {
  test('bytes changed anywhere', async () => {
    const edit = fc.tuple(fc.nat(RECORDING.length - 1), fc.oneof(fc.constantFrom(0, 1, 0xff), fc.nat(255)));
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 40 }), fc.boolean(), async (edits, recover) => {
        const bytes = RECORDING.slice();
        for (const [at, value] of edits) bytes[at] = value;
        await survives(bytes, recover);
      }),
      { numRuns: 100 },
    );
  }, 120_000);

  test('bytes changed in the head, where tracks and configurations are', async () => {
    const edit = fc.tuple(fc.nat(1200), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 6 }), fc.boolean(), async (edits, recover) => {
        const bytes = RECORDING.slice(0, 60_000);
        for (const [at, value] of edits) bytes[at] = value;
        await survives(bytes, recover);
      }),
      { numRuns: 150 },
    );
  }, 120_000);

  test('streams of anything', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryKvsStream(), fc.boolean(), async ({ bytes }, recover) => survives(bytes, recover)),
      { numRuns: 150 },
    );
  }, 120_000);
});

test('memory does not grow with the media where it is written at once or spooled', async () => {
  const { tracks } = await readMedia(RECORDING);
  const { codecPrivate } = tracks[0]!;
  const frame = new Uint8Array(200_000);
  new DataView(frame.buffer).setUint32(0, frame.length - 4);
  frame[4] = 0x65;
  frame[5] = 0x88;
  const COUNT = 100;
  function* body() {
    for (let i = 0; i < COUNT; i++) {
      const blocks = Array.from({ length: 20 }, (_, n) => ({
        track: 1,
        timestamp: (i * 20 + n) * 40_000,
        keyframe: true,
        frames: [frame],
      }));
      yield writeGetMediaFragment({
        tracks: [{ number: 1, codecId: 'V_MPEG4/ISO/AVC', codecPrivate, video: { pixelWidth: 320, pixelHeight: 240 } }],
        blocks,
        fragmentNumber: String(i + 1),
      });
    }
  }
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  const onProgress = () => {
    most = Math.max(most, process.memoryUsage().arrayBuffers - before);
  };
  const written = await remuxToMp4(body(), () => {}, { moov: 'last', onProgress });
  const spool = { write: () => {}, read: () => [] };
  await remuxToMp4(body(), () => {}, { spool, onProgress });
  expect(written.bytes).toBeGreaterThan(399_000_000);
  expect(most).toBeLessThan(150_000_000);
}, 60_000);

/** A stream whose Blocks are empty, with a header that is put back before each. */
function strippedStream(headerSize: number): Uint8Array {
  const muLaw = Uint8Array.of(7, 0, 1, 0, 0x40, 0x1f, 0, 0, 0x40, 0x1f, 0, 0, 1, 0, 8, 0, 0, 0);
  const compression = writeMaster(Mkv.ContentCompression, [
    writeElement(Mkv.ContentCompAlgo, 3),
    writeElement(Mkv.ContentCompSettings, new Uint8Array(headerSize)),
  ]);
  const track = writeMaster(Mkv.TrackEntry, [
    writeElement(Mkv.TrackNumber, 1),
    writeElement(Mkv.TrackType, 2),
    writeElement(Mkv.CodecID, 'A_MS/ACM'),
    writeElement(Mkv.CodecPrivate, muLaw),
    writeMaster(Mkv.ContentEncodings, [writeMaster(Mkv.ContentEncoding, [compression])]),
  ]);
  const block = (ticks: number) => writeElement(Mkv.SimpleBlock, Uint8Array.of(0x81, ticks >> 8, ticks & 255, 0x80));
  const blocks = Array.from({ length: 100 }, (_, i) => block(i * 100));
  const cluster = (at: number) => writeMaster(Mkv.Cluster, [writeElement(Mkv.Timestamp, at), ...blocks]);
  return concatBytes([
    writeMaster(Mkv.EBML, []),
    writeMaster(Mkv.Segment, [writeMaster(Mkv.Tracks, [track]), cluster(0), cluster(10_000)]),
  ]);
}

test('a long header that is stripped from frames does not come back with each of them', async () => {
  const { bytes } = await remuxToMp4(strippedStream(200), () => {});
  expect(bytes).toBeGreaterThan(40_000);
  await expect(remuxToMp4(strippedStream(1 << 20), () => {})).rejects.toThrow(Mp4RemuxError);
  await expect(segmentsOf(strippedStream(1 << 20))).rejects.toThrow(Mp4RemuxError);
});

describeNeeding('frames of sound without bytes', [tools('ffprobe')], () => {
  const folder = temporaryFolder();
  const A_LAW = Uint8Array.of(6, 0, 1, 0, 0x40, 0x1f, 0, 0, 0x40, 0x1f, 0, 0, 1, 0, 8, 0, 0, 0);
  const AAC = Uint8Array.of(0x14, 8);
  const sound = (number: number, codecId: string, codecPrivate: Uint8Array) =>
    writeTrackEntry({ number, type: 'audio', codecId, codecPrivate, audio: { samplingFrequency: 8000, channels: 1 } });
  const tracks = writeMaster(Mkv.Tracks, [sound(1, 'A_MS/ACM', A_LAW), sound(2, 'A_AAC', AAC)]);
  const block = (track: number, at: number, size: number) =>
    writeElement(Mkv.SimpleBlock, Uint8Array.of(0x80 | track, 0, at, 0x80, ...new Uint8Array(size).fill(0x21)));
  const documentOf = (...clusters: Uint8Array[][]) =>
    concatBytes([
      ...[writeMaster(Mkv.EBML, []), writeHeader(Mkv.Segment, undefined), tracks],
      ...clusters.map((blocks, i) => writeMaster(Mkv.Cluster, [writeElement(Mkv.Timestamp, 200 * i), ...blocks])),
    ]);
  const packets = (bytes: Uint8Array) => {
    const file = join(folder, 'sound.mp4');
    writeFileSync(file, bytes);
    const args = ['-v', 'error', '-f', 'mov', '-show_entries', 'packet=size', '-of', 'csv=p=0', file];
    return execFileSync('ffprobe', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
      .trim()
      .split(/\s+/)
      .map(Number);
  };

  test.each<[string, Uint8Array[][], number[]]>([
    ['at the end', [[block(1, 0, 160), block(2, 5, 90), block(2, 20, 0)]], [160, 90]],
    ['at the beginning', [[block(1, 0, 0), block(2, 5, 90), block(1, 20, 160)]], [160, 90]],
    ['in all of a track', [[block(1, 0, 0), block(2, 5, 90), block(1, 20, 0)]], [90]],
    ['in all of a fragment', [[block(1, 0, 160)], [block(1, 0, 0)], [block(1, 0, 80)]], [160, 80]],
  ])('are left out of MP4: %s', async (_, clusters, sizes) => {
    const file: Uint8Array[] = [];
    await remuxToMp4([documentOf(...clusters)], (part) => void file.push(part.slice()));
    expect(packets(concatBytes(file)).sort((a, b) => b - a)).toEqual(sizes);
    const fragments = clusters.map((blocks) => documentOf(blocks));
    const segments = await segmentsOf(concatBytes(fragments));
    expect(segments.filter(({ type }) => type === 'init')).toHaveLength(1);
    expect(packets(concatBytes(segments.map(({ bytes }) => bytes))).sort((a, b) => b - a)).toEqual(sizes);
  });

  test('say nothing where there are no others', async () => {
    const bytes = documentOf([block(1, 0, 0), block(2, 5, 0)]);
    expect(await segmentsOf(bytes)).toEqual([]);
  });
});

test('damage that is found only when the stream has ended costs its fragment, and is told', async () => {
  const tracks = writeMaster(Mkv.Tracks, [
    writeMaster(Mkv.TrackEntry, [
      writeElement(Mkv.TrackNumber, 1),
      writeElement(Mkv.TrackType, 2),
      writeElement(Mkv.CodecID, 'A_MS/ACM'),
      // WAVEFORMATEX: mu-law, 1 channel, 8 kHz.
      writeElement(Mkv.CodecPrivate, Uint8Array.of(7, 0, 1, 0, 0x40, 0x1f, 0, 0, 0x40, 0x1f, 0, 0, 1, 0, 8, 0, 0, 0)),
    ]),
  ]);
  const frame = new Uint8Array(90);
  const block = (at: number) => writeElement(Mkv.SimpleBlock, Uint8Array.of(0x81, 0, at, 0x80, ...frame));
  const intact = writeMaster(Mkv.Cluster, [writeElement(Mkv.Timestamp, 10), block(0), block(21)]);
  // The Block of the first Cluster reaches into the second, and that Cluster to before the end of the second.
  const broken = concatBytes([
    writeHeader(Mkv.SimpleBlock, 64, { sizeLength: 2 }),
    Uint8Array.of(0x81, 0, 0, 0x80, ...frame.subarray(0, 10)),
  ]);
  const bytes = concatBytes([
    writeMaster(Mkv.EBML, []),
    writeHeader(Mkv.Segment, undefined),
    tracks,
    writeHeader(Mkv.Cluster, broken.length + intact.length - 40, { sizeLength: 3 }),
    broken,
    intact,
  ]);
  for (const size of [1, 16, 100, bytes.length]) {
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
    const { fragments, invalidFragments, truncated } = await remuxToMp4(chunks, () => {}, { recover: true });
    expect({ size, fragments, invalidFragments, truncated }).toEqual({
      size,
      fragments: 1,
      invalidFragments: 1,
      truncated: false,
    });
  }
});

test('of tracks that are declared by the thousand and have no frames, few are named', async () => {
  const entry = (number: number) =>
    writeMaster(Mkv.TrackEntry, [
      writeElement(Mkv.TrackNumber, number),
      writeElement(Mkv.TrackType, 2),
      writeElement(Mkv.CodecID, 'A_MS/ACM'),
      writeElement(Mkv.CodecPrivate, Uint8Array.of(7, 0, 1, 0, 0x40, 0x1f, 0, 0, 0x40, 0x1f, 0, 0, 1, 0, 8, 0, 0, 0)),
    ]);
  const block = writeElement(Mkv.SimpleBlock, concatBytes([Uint8Array.of(0x47, 0xd0, 0, 0, 0x80), new Uint8Array(80)]));
  const bytes = concatBytes([
    writeMaster(Mkv.EBML, []),
    writeMaster(Mkv.Segment, [
      writeMaster(
        Mkv.Tracks,
        Array.from({ length: 2000 }, (_, i) => entry(i + 1)),
      ),
      writeMaster(Mkv.Cluster, [writeElement(Mkv.Timestamp, 0), block]),
    ]),
  ]);
  const { tracks, leftOut } = await remuxToMp4(bytes, () => {});
  expect(tracks.map(({ track }) => track.number)).toEqual([2000]);
  expect(leftOut.length).toBe(32);
});
