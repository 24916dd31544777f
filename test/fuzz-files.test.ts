import { execFileSync, spawnSync } from 'node:child_process';
import { beforeAll, describe, expect, it } from 'vitest';
import { hasUndescribedTrack } from '../fuzz/files/described.js';
import { ffprobeComplaints, judgements } from '../fuzz/files/judges.js';
import { FILE_TARGETS } from '../fuzz/files/targets.js';
import { concatBytes } from '../src/ebml/writer.js';
import { Mkv, writeElement, writeHeader, writeMaster } from '../src/index.js';
import { writeEbmlHeader } from '../src/testing/get-media-writer.js';
import { writeTrackEntry } from '../src/testing/track-writer.js';
import { describeNeeding, tools } from './support/tools.js';

const RUNS = '150';
const merge = FILE_TARGETS.find(({ name }) => name === 'merge');

describe('a little fuzzing of whole files', () => {
  beforeAll(() => {
    execFileSync(process.execPath, ['fuzz/build.mjs', 'fuzz-files']);
  });

  describeNeeding('judged by other programs', [tools('ffprobe', 'mkvinfo')], () => {
    it.each(FILE_TARGETS.map(({ name }) => name))(
      'finds nothing in %s',
      (name) => {
        const args = ['.cache/fuzz-files.mjs', '--target', name, '--seed', '1', '--runs', RUNS];
        const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' });
        expect(stderr.replace(/^.*, findings 0\n/gm, '')).toBe('');
        expect(status).toBe(0);
        expect(stdout).toContain(`${name}: ${RUNS} executions`);
        // Whole files make far more happen than the seeds alone would.
        expect(Number(/features (\d+)/.exec(stdout)?.[1])).toBeGreaterThan(500);
      },
      240_000,
    );
  });
});

const SEGMENT = writeHeader(Mkv.Segment, undefined);
const tracks = (...numbers: number[]) =>
  writeMaster(
    Mkv.Tracks,
    numbers.map((number) => writeTrackEntry({ number, codecId: 'V_VP8' })),
  );
const cluster = (time: number, ...numbers: number[]) => {
  const blocks = numbers.map((number) => {
    const track = number < 127 ? [0x80 | number] : [0x40 | (number >> 8), number];
    return writeElement(Mkv.SimpleBlock, Uint8Array.of(...track, 0, 0, 0x80, 1, 2, 3));
  });
  return writeMaster(Mkv.Cluster, [writeElement(Mkv.Timestamp, time), ...blocks]);
};

describe('what the merge target says of tracks', () => {
  it.each<[boolean, string, Uint8Array[]]>([
    [false, 'tracks that are described', [SEGMENT, tracks(1, 300), cluster(0, 1, 300)]],
    [false, 'each in its Tracks', [SEGMENT, tracks(1), cluster(0, 1), tracks(2), cluster(0, 1, 2)]],
    [true, 'a track of another number', [SEGMENT, tracks(1), cluster(0, 1, 2)]],
    [true, 'a track whose number has the same last bits', [SEGMENT, tracks(44), cluster(0, 300)]],
    [true, 'a track that is described later', [SEGMENT, cluster(0, 1), tracks(1)]],
    [true, 'a track of the document before', [SEGMENT, tracks(1), writeEbmlHeader(), SEGMENT, cluster(0, 1)]],
    [
      true,
      'a TrackEntry outside of Tracks',
      [SEGMENT, writeTrackEntry({ number: 1, codecId: 'V_VP8' }), cluster(0, 1)],
    ],
    [
      true,
      'a TrackEntry in another',
      [
        SEGMENT,
        writeMaster(Mkv.Tracks, [
          writeMaster(Mkv.TrackEntry, [
            writeMaster(Mkv.Video, [writeTrackEntry({ number: 1, codecId: 'V_VP8' })]),
            writeElement(Mkv.Name, ''),
          ]),
        ]),
        cluster(0, 1),
      ],
    ],
    [true, 'a Block without bytes', [SEGMENT, tracks(1), writeMaster(Mkv.Cluster, [writeHeader(Mkv.SimpleBlock, 0)])]],
  ])('undescribed: %s, %s', (expected, _, parts) => {
    expect(hasUndescribedTrack(concatBytes([writeEbmlHeader(), ...parts]))).toBe(expected);
  });
});

describeNeeding('what ffprobe says of outputs alone', [tools('ffprobe', 'mkvinfo')], () => {
  const first = concatBytes([writeEbmlHeader(), SEGMENT, tracks(1), cluster(0, 1)]);
  // An element of unknown id, of which the end is missing.
  const unknown = concatBytes([Uint8Array.of(0x95, 0x41, 0), new Uint8Array(200).fill(0x42)]);
  const head = concatBytes([writeHeader(Mkv.Cluster, 1000), writeElement(Mkv.Timestamp, 10)]);
  const last = concatBytes([head, unknown]);

  it.each([
    // It skips a Segment of known size without an EBML header. The merger makes a document of it, whose Blocks it takes for tracks of the first.
    ['of tracks that are not those of the first document', writeMaster(Mkv.Segment, [tracks(1, 2), cluster(10, 1, 2)])],
    ['of an output that stays cut off', last],
  ])('is no finding: %s', async (_, rest) => {
    const bytes = concatBytes([first, rest]);
    expect(ffprobeComplaints(bytes, 'matroska').lines).toEqual([]);
    const before = judgements();
    for (let choice = 0; choice < 60; choice++) await merge?.run({ choice, bytes }, new Set());
    expect(judgements()).toBeGreaterThan(before);
  });
});
