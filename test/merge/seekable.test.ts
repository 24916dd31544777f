import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import {
  Mkv,
  type MkvElement,
  MkvParseError,
  mergeSeekable,
  type OutputRewrite,
  OutputSegmentMerger,
  segmentMergerStream,
  writeElement,
  writeHeader,
  writeMaster,
} from '../../src/index.js';
import { ChunkMerger } from '../../src/merge/chunk-merger.js';
import { writeGetMediaFragment } from '../../src/testing/get-media-writer.js';
import { CAPTURES, captureBytes } from '../support/captures.js';
import { cluster, documentHead, fragmentInput, TRACKS } from '../support/kvs-documents.js';
import { mediaBytes } from '../support/media.js';
import { chunksOf, readChunks } from '../support/read-all.js';
import { describeNeeding, runTool, tools } from '../support/tools.js';
import { complaints, packetsOf } from './judges.js';
import { framesOf, merge } from './merging.js';

const BODY = concatBytes([0, 1, 2].map((index) => writeGetMediaFragment(fragmentInput(index), { seekHead: true })));

/** What a document says of itself: values by the names of their elements, positions resolved to what begins there. */
function indexOf(bytes: Uint8Array) {
  const elements = [...readChunks([bytes], { strict: true })];
  const segment = elements.find((element) => element.is(Mkv.Segment));
  const start = (segment?.offset ?? 0) + (segment?.headerSize ?? 0);
  const at = (position: number) =>
    elements.find((element) => element.kind !== 'end' && element.offset === start + position)?.type.name;
  const values = <V>(pick: (element: MkvElement) => V | undefined) =>
    elements.map(pick).filter((value) => value !== undefined);
  const number = (type: typeof Mkv.CueTime) => (element: MkvElement) =>
    element.kind === 'data' && element.is(type) ? element.value : undefined;
  return {
    size: segment?.kind === 'start' ? segment.dataSize : undefined,
    length: bytes.length - start,
    seeks: values(number(Mkv.SeekPosition)).map(at),
    duration: values((element) => (element.kind === 'data' && element.is(Mkv.Duration) ? element.value : undefined)),
    times: values(number(Mkv.CueTime)),
    clusters: values(number(Mkv.CueClusterPosition)).map(at),
  };
}

describe('a merged document that players can seek in', () => {
  it('has a Duration, Cues, a SeekHead that finds them, and the size of its Segment', async () => {
    const bytes = await mergeSeekable(BODY);
    const start = 1_600_000_000_000;
    expect(indexOf(bytes)).toEqual({
      size: indexOf(bytes).length,
      length: indexOf(bytes).length,
      seeks: ['Info', 'Tracks', 'Cues'],
      // Four seconds between the first frame and the last, which lasts as long as the one before.
      duration: [4080],
      times: [start, start + 2000, start + 4000],
      clusters: ['Cluster', 'Cluster', 'Cluster'],
    });
    expect(framesOf(bytes)).toEqual(framesOf(merge(BODY).bytes));
  });

  it('is the same for every chunking, and as a stream', async () => {
    const bytes = await mergeSeekable(BODY, { packClusters: true });
    expect(indexOf(bytes)).toMatchObject({ times: [0, 80, 160], duration: [240] });
    for (const size of [1, 13, 500]) {
      expect(Buffer.compare(await mergeSeekable(chunksOf(BODY, size), { packClusters: true }), bytes)).toBe(0);
    }
    const rewrites: OutputRewrite[] = [];
    const seekable = (rewrite: OutputRewrite) => void rewrites.push(rewrite);
    const stream = segmentMergerStream({ packClusters: true, seekable });
    const output = new Response(stream.readable).arrayBuffer();
    const writer = stream.writable.getWriter();
    await writer.write(BODY);
    await writer.close();
    const streamed = new Uint8Array(await output);
    for (const each of rewrites) streamed.set(each.bytes, each.position);
    expect(Buffer.compare(streamed, bytes)).toBe(0);
  });

  it('is whole before the rewriting as well, but for what it says', () => {
    const pieces: Uint8Array[] = [];
    const rewrites: OutputRewrite[] = [];
    const merger = new OutputSegmentMerger((piece) => void pieces.push(piece), {
      seekable: (rewrite) => void rewrites.push(rewrite),
    });
    for (const element of readChunks([BODY])) element.accept(merger);
    expect(rewrites).toEqual([]);
    merger.finish();
    const bytes = concatBytes(pieces);
    expect(() => [...readChunks([bytes], { strict: true, verifyCrc: true })]).not.toThrow();
    expect(rewrites).toHaveLength(3);
    merger.finish();
    expect(rewrites).toHaveLength(3);
  });

  it('is one of several where one is not enough, each with its own', async () => {
    const other = [5, 9].map((time) =>
      concatBytes([
        documentHead([TRACKS[0]!]),
        cluster(time * 1_000_000, [
          { track: 1, timestamp: time * 1_000_000, keyframe: true, frames: [Uint8Array.of(7)] },
        ]),
      ]),
    );
    const bytes = await mergeSeekable(concatBytes([BODY, ...other]));
    const second = Buffer.from(bytes).lastIndexOf(Buffer.of(0x1a, 0x45, 0xdf, 0xa3));
    expect(indexOf(bytes.subarray(0, second))).toMatchObject({ size: indexOf(bytes.subarray(0, second)).length });
    // Without Info there is no room for a Duration.
    expect(indexOf(bytes.subarray(second))).toMatchObject({
      times: [5000, 9000],
      seeks: ['Tracks', 'Cues'],
      duration: [],
    });
  });

  it('finds key frames of the video, once for each Cluster, wherever they stand in it', async () => {
    const block = (track: number, ms: number, keyframe: boolean, group = false) => ({
      track,
      timestamp: ms * 1000,
      keyframe,
      group,
      frames: [Uint8Array.of(1)],
    });
    const bytes = await mergeSeekable(
      concatBytes([
        documentHead([TRACKS[1]!, TRACKS[0]!]),
        cluster(0, [block(2, 0, true), block(1, 10, false), block(1, 20, true), block(1, 30, true)]),
        cluster(100_000, [block(2, 100, true), block(1, 110, false, true)]),
        cluster(200_000, [block(1, 210, true, true), block(1, 220, false)]),
      ]),
    );
    expect(indexOf(bytes).times).toEqual([20, 210]);
  });

  it('finds no more than a player needs in a document without end', async () => {
    const clusters = Array.from({ length: 70_000 }, (_, time) =>
      writeMaster(Mkv.Cluster, [
        writeElement(Mkv.Timestamp, time),
        writeElement(Mkv.SimpleBlock, Uint8Array.of(0x81, 0, 0, 0x80, 1)),
      ]),
    );
    const { times } = indexOf(await mergeSeekable(concatBytes([documentHead(), ...clusters])));
    expect(times.length).toBeLessThan(32_768);
    expect(times.slice(0, 3)).toEqual([0, 4, 8]);
    expect(times.at(-1)).toBeGreaterThan(69_990);
  });

  it('is whole where the stream is cut off, or nothing is in it', async () => {
    for (let length = 0; length < BODY.length; length += 17) {
      const bytes = await mergeSeekable(BODY.subarray(0, length));
      expect(() => [...readChunks([bytes], { strict: true })]).not.toThrow();
    }
  });

  it('has no Cues of times that numbers do not hold exactly', async () => {
    const at = (timestamp: Uint8Array) => {
      const block = writeElement(Mkv.SimpleBlock, Uint8Array.of(0x81, 0, 0, 0x80, 1));
      return writeMaster(Mkv.Cluster, [writeHeader(Mkv.Timestamp, timestamp.length), timestamp, block]);
    };
    const late = Uint8Array.of(0x10, 0, 0, 0, 0, 0, 0, 1);
    const bytes = await mergeSeekable(concatBytes([documentHead(), at(Uint8Array.of(5)), at(late)]));
    expect(indexOf(bytes).times).toEqual([5]);
    expect(indexOf(bytes).clusters).toHaveLength(1);
    expect(Buffer.from(bytes).includes(Buffer.from(at(late)))).toBe(true);
  });

  it('is told to be rewritten when the bytes are there', async () => {
    const documents = concatBytes([BODY, documentHead([TRACKS[0]!]), cluster(0, []), documentHead(), cluster(0, [])]);
    // What was merged before damage does not leave with the call that throws.
    const chunks = new ChunkMerger({ seekable: () => expect.unreachable() });
    expect(() => chunks.push(concatBytes([documents, Uint8Array.of(0)]))).toThrow(MkvParseError);
    let given = 0;
    const rewrites: OutputRewrite[] = [];
    const merger = new OutputSegmentMerger(
      async (piece) => {
        await undefined;
        given += piece.length;
      },
      {
        seekable: (rewrite) => {
          expect(rewrite.position + rewrite.bytes.length).toBeLessThanOrEqual(given);
          rewrites.push(rewrite);
        },
      },
    );
    // Nobody waits for the sink, which takes its time.
    for (const element of readChunks([documents])) void element.accept(merger);
    expect(rewrites).toEqual([]);
    await merger.finish();
    expect(rewrites).toHaveLength(7);
  });

  it('does not keep positions', () => {
    const sink = () => {};
    expect(() => new OutputSegmentMerger(sink, { seekable: sink, keepPositions: true })).toThrow(TypeError);
  });
});

describeNeeding('seeking', [tools('ffmpeg', 'ffprobe', 'mkvinfo', 'mkvmerge'), CAPTURES], () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'kvs-seekable-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** The time of the first packet of video that ffprobe gives after it has been told to seek. */
  function seekTo(path: string, seconds: number, more: readonly string[] = []): number {
    const text = runTool('ffprobe', [
      ...['-v', 'error', ...more, '-select_streams', 'v', '-read_intervals', `${seconds}%+#1`],
      ...['-show_entries', 'packet=pts_time', '-of', 'csv=p=0', path],
    ]);
    return Number.parseFloat(text);
  }

  it('keeps a Segment of unknown size around Clusters of unknown size', async () => {
    const block = writeElement(Mkv.SimpleBlock, Uint8Array.of(0x81, 0, 0, 0x80, 1));
    const open = concatBytes([writeHeader(Mkv.Cluster, undefined), writeElement(Mkv.Timestamp, 7), block]);
    const bytes = await mergeSeekable(concatBytes([documentHead(), open, cluster(9_000_000, [])]));
    expect(indexOf(bytes)).toMatchObject({ size: undefined, seeks: ['Tracks', 'Cues'], times: [7] });
    expect(complaints(bytes, folder).filter((line) => /unknown.size/i.test(line))).toEqual([]);
  });

  it.each([
    ['output_get_media.mkv', () => captureBytes('output_get_media.mkv')],
    ['h264-aac.mkv', () => mediaBytes('h264-aac.mkv')],
  ])('in %s finds its key frames, by the Cues', async (_, read) => {
    const input = await read();
    const bytes = await mergeSeekable(input, { startAtZero: true });
    expect(complaints(bytes, folder)).toEqual([]);
    expect(packetsOf(bytes, folder).map(({ hash }) => hash)).toEqual(
      packetsOf(merge(input).bytes, folder).map(({ hash }) => hash),
    );
    const path = join(folder, 'seekable.mkv');
    writeFileSync(path, bytes);
    const { times, duration } = indexOf(readFileSync(path));
    const format = JSON.parse(runTool('ffprobe', ['-v', 'error', '-show_format', '-of', 'json', path])).format;
    expect(Number(format.duration)).toBeCloseTo((duration[0] ?? 0) / 1000, 2);
    for (const time of times) {
      expect(seekTo(path, time / 1000 + 0.01)).toBeCloseTo(time / 1000, 2);
    }
    const info = runTool('mkvinfo', ['-v', '-v', '-v', path]);
    expect(info).toMatch(/Cues/);
    expect(info).toMatch(/Duration: 00:00:/);
    expect(info.match(/Cue time/g)?.length).toBe(times.length);
  });
});
