import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import { writeGetMediaError, writeGetMediaFragment } from '../../src/testing/get-media-writer.js';
import { CAPTURES, captureFacts, capturePath } from '../support/captures.js';
import { jsonLines, kvs } from '../support/cli.js';
import { temporaryFolder } from '../support/ffmpeg-media.js';
import { expectedFragments } from '../support/fragment-facts.js';
import { fragmentInput, numberOf } from '../support/kvs-documents.js';
import { describeNeeding } from '../support/tools.js';

const RECORDING = 'examples/recording/camera.mkv';

interface Line {
  fragmentNumber: string | null;
  serverTimestamp: string | null;
  producerTimestamp: string | null;
  millisBehindNow: number | null;
  continuationToken: string | null;
  frames: number;
  bytes: number;
  durationUs: number | null;
  tags: [string, string][];
  tracks: { number: number; type: string; codecId: string; codecString: string | null }[];
  error: object | null;
  truncated: boolean;
}

interface RecordedFragment extends Omit<Line, 'frames'> {
  frames: { count: number }[];
}

describeNeeding('kvs fragments on the captures', [CAPTURES], () => {
  const all = captureFacts();
  test.each(all)('$file', (facts) => {
    const lines = jsonLines<Line>(kvs(['fragments', capturePath(facts.file), '--json']));
    const time = (text: string | undefined) =>
      text === undefined ? null : new Date(Number(text.replace('.', ''))).toISOString();
    const expected = expectedFragments(facts, all).map(({ kvs: service, tags, frames, frameBytes }) => {
      const { FRAGMENT_NUMBER, SERVER_TIMESTAMP, PRODUCER_TIMESTAMP, MILLIS_BEHIND_NOW, CONTINUATION_TOKEN } = service;
      return {
        fragmentNumber: FRAGMENT_NUMBER ?? null,
        serverTimestamp: time(SERVER_TIMESTAMP),
        producerTimestamp: time(PRODUCER_TIMESTAMP),
        millisBehindNow: MILLIS_BEHIND_NOW === undefined ? null : Number(MILLIS_BEHIND_NOW),
        continuationToken: CONTINUATION_TOKEN ?? null,
        frames,
        bytes: frameBytes,
        tags,
        error: null,
        truncated: false,
      };
    });
    expect(lines.map(({ durationUs: _, tracks: __, ...rest }) => rest)).toEqual(expected);
    for (const { frames, durationUs } of lines) expect(durationUs === null).toBe(frames === 0);
  });

  test('durations and tracks of output_get_media.mkv', () => {
    const lines = jsonLines<Line>(kvs(['fragments', capturePath('output_get_media.mkv'), '--json']));
    for (const { durationUs, tracks } of lines) {
      // 60 frames of 33,333,333 ns, on whole milliseconds.
      expect(Math.abs((durationUs ?? 0) - 2_000_000)).toBeLessThan(1000);
      expect(tracks).toMatchObject([
        {
          number: 1,
          type: 'video',
          codecId: 'V_MPEG4/ISO/AVC',
          codecString: 'avc1.4d401e',
          video: { pixelWidth: 640 },
          audio: null,
        },
      ]);
    }
  });
});

describe('kvs fragments', () => {
  const folder = temporaryFolder();

  it('gives the facts of the recording, from a file and from standard input', () => {
    const facts = JSON.parse(readFileSync('examples/recording/camera.json', 'utf8'));
    const run = kvs(['fragments', RECORDING, '--json']);
    const lines = jsonLines<Line>(run);
    expect(lines).toMatchObject(
      facts.fragments.map((each: RecordedFragment) => ({
        fragmentNumber: each.fragmentNumber,
        serverTimestamp: each.serverTimestamp,
        producerTimestamp: each.producerTimestamp,
        millisBehindNow: each.millisBehindNow,
        continuationToken: each.continuationToken,
        tags: each.tags,
        frames: each.frames.reduce((sum, { count }) => sum + count, 0),
        tracks: [
          { number: 1, type: 'video', codecString: 'avc1.4d4016', name: 'camera', defaultDurationUs: 40_000 },
          { number: 2, type: 'audio', codecString: 'mp4a.40.2', name: 'microphone', audio: { channels: 1 } },
        ],
        error: null,
        truncated: false,
      })),
    );
    expect(lines[0]?.durationUs).toBe(1_400_000);
    expect(kvs(['fragments', '-', '--json'], readFileSync(RECORDING))).toEqual(run);
  });

  it('has exactly the fields that are promised', () => {
    const [line] = jsonLines<Line>(
      kvs(['fragments', '--json', '-'], writeGetMediaFragment({ tracks: [{ number: 1, codecId: 'X' }] })),
    );
    expect(line).toEqual({
      fragmentNumber: null,
      serverTimestamp: null,
      producerTimestamp: null,
      millisBehindNow: null,
      continuationToken: null,
      frames: 0,
      bytes: 0,
      durationUs: null,
      tags: [],
      tracks: [
        {
          number: 1,
          uid: '1',
          type: 'metadata',
          name: null,
          codecId: 'X',
          codecString: null,
          language: 'eng',
          defaultDurationUs: null,
          video: null,
          audio: null,
        },
      ],
      error: null,
      truncated: false,
    });
  });

  it('prints errors of the service, and goes on', () => {
    const bytes = concatBytes([
      writeGetMediaError({ error: { id: 4500, code: 'KMS_KEY_ACCESS_DENIED' } }),
      writeGetMediaError({ fragmentNumber: numberOf(1), exception: { code: 'InternalError', message: 'no\u001b[2J' } }),
      writeGetMediaFragment(fragmentInput(2)),
    ]);
    const json = kvs(['fragments', '--json', '-'], bytes);
    // Something is missing, as with any input that is not whole.
    expect(json.status).toBe(1);
    expect(json.stderr).toContain('kvs: -: GetMedia error: KMS_KEY_ACCESS_DENIED, 4500, access denied');
    expect(json.stderr).toContain(`kvs: -: fragment ${numberOf(1)}: GetMediaForFragmentList error: InternalError`);
    expect(kvs(['fragments', '--recover', '-'], bytes).status).toBe(0);
    const lines = json.stdout
      .trimEnd()
      .split('\n')
      .map((line): Line => JSON.parse(line));
    expect(lines.map(({ fragmentNumber, error, frames }) => [fragmentNumber, error, frames])).toEqual([
      [
        null,
        {
          operation: 'GetMedia',
          code: 'KMS_KEY_ACCESS_DENIED',
          id: 4500,
          message: 'access denied for the KMS key of the stream',
        },
        0,
      ],
      [
        numberOf(1),
        { operation: 'GetMediaForFragmentList', code: 'InternalError', id: null, message: 'no\u001b[2J' },
        0,
      ],
      [numberOf(2), null, 3],
    ]);
    const text = kvs(['fragments', '-'], bytes);
    expect(text.stdout).toContain('GetMedia error: KMS_KEY_ACCESS_DENIED, 4500, access denied');
    expect(text.stdout).not.toContain('\u001b');
  });

  it('prints text without --json', () => {
    const { status, stdout, stderr } = kvs(['fragments', '-'], writeGetMediaFragment(fragmentInput(1)));
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout.split('\n')).toEqual([
      `fragment ${numberOf(1)}`,
      '  recorded 2020-09-13T12:26:42.007Z',
      '  received 2020-09-13T12:26:42.013Z',
      '  3 frames, 9 bytes, 0.040 s',
      '  track 1: video, V_MPEG4/ISO/AVC, 64 x 48',
      '  track 2: audio, A_AAC, 48000 Hz, 2 channels',
      '  tag Index = 1',
      '  999 ms behind now',
      `  continuation token ${numberOf(1)}`,
      '',
    ]);
  });

  it('marks a fragment that the stream ends in, says so on standard error, and refuses it with --strict', () => {
    const bytes = concatBytes([0, 1].map((index) => writeGetMediaFragment(fragmentInput(index))));
    const cut = bytes.subarray(0, -5);
    const run = kvs(['fragments', '--json', '-'], cut);
    expect(run.status).toBe(0);
    expect(run.stderr).toBe(`kvs: -: warning: byte ${cut.length}: the stream ends here, inside an element\n`);
    expect(
      run.stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).truncated),
    ).toEqual([false, true]);
    expect(kvs(['fragments', '-'], cut).stdout).toContain('incomplete');
    const strict = kvs(['fragments', '--json', '--strict', '-'], cut);
    expect(strict.status).toBe(1);
    expect(strict.stderr).toMatch(/^kvs: -: byte \d+: the stream ends too early/);
    expect(strict.stdout.trimEnd().split('\n')).toHaveLength(1);
  });

  it('stops at damage with exit code 1, and passes over it with --recover', () => {
    const documents = [0, 1, 2].map((index) => writeGetMediaFragment(fragmentInput(index), { crc: true }));
    const bytes = concatBytes(documents);
    const at = (documents[0]?.length ?? 0) + 60;
    bytes.fill(0, at, at + 20);
    const file = join(folder, 'damaged.mkv');
    writeFileSync(file, bytes);
    const run = kvs(['fragments', '--json', file]);
    expect(run.status).toBe(1);
    expect(run.stderr).toMatch(new RegExp(`^kvs: ${file}: byte \\d+: `));
    expect(run.stdout.trimEnd().split('\n')).toHaveLength(1);
    const recovered = kvs(['fragments', '--json', '--recover', file]);
    expect(recovered.status).toBe(0);
    expect(recovered.stderr).toMatch(/byte \d+: \d+ bytes skipped or damaged: /);
    const lines: Line[] = recovered.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ truncated }) => truncated)).toEqual([false, true, false]);
    expect(lines.map(({ fragmentNumber }) => fragmentNumber).filter((each) => each === numberOf(2))).toHaveLength(1);
  });

  it('checks CRC-32 elements with --verify-crc', () => {
    const bytes = writeGetMediaFragment(fragmentInput(0), { crc: true });
    const frame = Buffer.from(bytes).indexOf(Buffer.of(0, 1, 2, 3));
    bytes[frame + 1] = 99;
    expect(kvs(['fragments', '-'], bytes).status).toBe(0);
    const run = kvs(['fragments', '-', '--verify-crc'], bytes);
    expect([run.status, run.stdout]).toEqual([1, '']);
    expect(run.stderr).toMatch(/CRC-32/);
  });

  it('explains a wrong command line with exit code 2', () => {
    expect(kvs(['fragments']).status).toBe(2);
    expect(kvs(['fragments', 'a', 'b']).status).toBe(2);
    expect(kvs(['fragments', '--frobnicate', 'a']).status).toBe(2);
    const missing = kvs(['fragments', join(folder, 'none.mkv')]);
    expect([missing.status, missing.stdout]).toEqual([1, '']);
    expect(missing.stderr).toMatch(/^kvs: .*none\.mkv: .*ENOENT/);
  });
});
