import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import { inflateFrame, Mkv, readFrames, writeElement, writeMaster } from '../../src/index.js';
import { joinNals, splitNals } from '../../src/mkv/codec/nal.js';
import { writeGetMediaFragment } from '../../src/testing/get-media-writer.js';
import { CAPTURES, captureFacts, capturePath } from '../support/captures.js';
import { jsonLines, kvs } from '../support/cli.js';
import { ffmpeg, temporaryFolder } from '../support/ffmpeg-media.js';
import { cluster, documentHead, fragmentInput, numberOf } from '../support/kvs-documents.js';
import { describeNeeding, runTool, tools } from '../support/tools.js';

const RECORDING = 'examples/recording/camera.mkv';
const FACTS = JSON.parse(readFileSync('examples/recording/camera.json', 'utf8'));

interface Line {
  track: number;
  timestamp: number;
  duration: number | null;
  keyframe: boolean;
  invisible: boolean;
  discardable: boolean;
  size: number;
  sha256: string | null;
  fragmentNumber: string | null;
}

const folder = temporaryFolder();
let folders = 0;

/** A name of a folder that does not exist yet, within another that does not. */
const newFolder = () => join(folder, String(folders++), 'frames');

describeNeeding('kvs frames on the captures', [CAPTURES], () => {
  test.each(captureFacts())('$file', ({ file, fragments }) => {
    const lines = jsonLines<Line>(kvs(['frames', capturePath(file), '--json']));
    expect(lines.length).toBe(fragments.reduce((sum, { frames }) => sum + frames, 0));
    expect(lines.reduce((sum, { size }) => sum + size, 0)).toBe(
      fragments.reduce((sum, { frameBytes }) => sum + frameBytes, 0),
    );
  });
});

describe('kvs frames', () => {
  it('gives the facts of the recording, from a file and from standard input', () => {
    const run = kvs(['frames', RECORDING, '--json', '--hash', 'sha256']);
    const lines = jsonLines<Line>(run);
    expect(lines).toHaveLength(FACTS.frames);
    for (const { fragmentNumber, frames } of FACTS.fragments) {
      for (const { track, timestamps, keyframes } of frames) {
        const own = lines.filter((line) => line.fragmentNumber === fragmentNumber && line.track === track);
        expect(own.map(({ timestamp }) => timestamp)).toEqual(timestamps);
        expect(own.filter(({ keyframe }) => keyframe)).toHaveLength(keyframes);
        expect(new Set(own.map(({ duration }) => Math.round(duration ?? 0)))).toEqual(
          new Set([track === 1 ? 40_000 : 21_333]),
        );
      }
    }
    expect(kvs(['frames', '-', '--json', '--hash', 'sha256'], readFileSync(RECORDING))).toEqual(run);
  });

  it('has exactly the fields that are promised, and flags as they are', () => {
    const block = { track: 1, timestamp: 0, frames: [Uint8Array.of(1, 2)] };
    const blocks = [
      { ...block, keyframe: true, discardable: true },
      { ...block, invisible: true, duration: 5000 },
    ];
    const bytes = writeGetMediaFragment(fragmentInput(0, { timestamp: 0, blocks }));
    const plain = { track: 1, timestamp: 0, size: 2, sha256: null, fragmentNumber: numberOf(0) };
    expect(jsonLines(kvs(['frames', '-', '--json'], bytes))).toEqual([
      { ...plain, duration: null, keyframe: true, invisible: false, discardable: true },
      { ...plain, duration: 5000, keyframe: false, invisible: true, discardable: false },
    ]);
    const [hashed] = jsonLines<Line>(kvs(['frames', '-', '--json', '--hash', 'sha256'], bytes));
    expect(hashed?.sha256).toBe(createHash('sha256').update(Uint8Array.of(1, 2)).digest('hex'));
  });

  it('gives frames of one track with --track', () => {
    const counts = ['1', '2', 'video', 'audio'].map(
      (track) => jsonLines<Line>(kvs(['frames', RECORDING, '--json', '--track', track])).length,
    );
    expect(counts).toEqual([250, 469, 250, 469]);
    for (const track of ['99', 'subtitle']) {
      const { status, stdout, stderr } = kvs(['frames', RECORDING, '--track', track]);
      expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
      expect(stderr).toContain(
        `no frames of track ${track} in it; the tracks are 1 (video, V_MPEG4/ISO/AVC, camera), 2 (audio, A_AAC, microphone)`,
      );
    }
  });

  it('prints text without --json', () => {
    const { status, stdout } = kvs(['frames', '-', '--hash', 'sha256'], writeGetMediaFragment(fragmentInput(0)));
    const hash = createHash('sha256')
      .update(Uint8Array.of(0, 1, 2, 3))
      .digest('hex');
    expect(status).toBe(0);
    expect(stdout.split('\n')[0]).toBe(`track 1, at 1600000000.000 s, 4 bytes, key, ${hash}, fragment ${numberOf(0)}`);
  });

  it('stops at damage with exit code 1 and the frames before, whatever options stand before the file', () => {
    const bytes = concatBytes([writeGetMediaFragment(fragmentInput(0)), new Uint8Array(50).fill(1)]);
    const file = join(folder, 'damaged.mkv');
    writeFileSync(file, bytes);
    const run = kvs(['frames', '--json', '--track', '1', file]);
    expect([run.status, run.stdout.trimEnd().split('\n').length]).toEqual([1, 2]);
    expect(run.stderr).toMatch(new RegExp(`^kvs: ${file}: byte \\d+: `));
    const recovered = kvs(['frames', '--json', '--recover', file]);
    expect([recovered.status, recovered.stdout.trimEnd().split('\n').length]).toEqual([0, 3]);
    expect(recovered.stderr).toContain('50 bytes');
  });

  test.each([[['--track', '0', 'x']], [['--track', 'first', 'x']], [['--hash', 'md5', 'x']], [['--out', 'y']], [[]]])(
    'refuses %j with exit code 2',
    (words) => {
      const run = kvs(['frames', ...words]);
      expect([run.status, run.stdout]).toEqual([2, '']);
      expect(run.stderr).toContain('usage: kvs frames');
    },
  );
});

/** Writes the frames of a file, and gives the names. */
function writeFrames(file: string, out: string, ...words: string[]): string[] {
  const run = kvs(['frames', file, '--out', out, ...words]);
  expect([run.status, run.stderr]).toEqual([0, '']);
  const names = readdirSync(out).sort();
  expect(names).toHaveLength(run.stdout.trimEnd().split('\n').length);
  return names;
}

/** The files with an extension behind each other, in the order of their names, as one file. */
function joined(out: string, extension: string): string {
  const names = readdirSync(out)
    .filter((name) => name.endsWith(extension))
    .sort();
  const path = join(out, `../joined${extension}`);
  writeFileSync(path, concatBytes(names.map((name) => readFileSync(join(out, name)))));
  return path;
}

describeNeeding('kvs frames --out, judged by ffmpeg', [tools('ffmpeg', 'ffprobe')], () => {
  /** Hashes of the decoded pictures or samples; decoding that complains fails. */
  const decoded = (file: string, ...options: string[]) => {
    const words = [
      '-v',
      'error',
      '-xerror',
      '-err_detect',
      'explode',
      ...options,
      '-i',
      file,
      '-map',
      '0:0',
      '-f',
      'framehash',
      '-',
    ];
    return runTool('ffmpeg', words)
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => line.split(',').at(-1)?.trim());
  };
  const sound = (file: string, ...options: string[]) =>
    runTool('ffmpeg', ['-v', 'error', ...options, '-i', file, '-map', '0:a:0', '-f', 'hash', '-']);

  it('the recording’s pictures and sound are those of the recording', () => {
    const out = newFolder();
    const names = writeFrames(RECORDING, out);
    expect(names.slice(0, 3)).toEqual([
      'frame-000000001-track1.h264',
      'frame-000000002-track2.aac',
      'frame-000000003-track2.aac',
    ]);
    const pictures = decoded(joined(out, '.h264'));
    expect(pictures).toHaveLength(250);
    expect(pictures).toEqual(decoded(RECORDING));
    expect(sound(joined(out, '.aac'))).toBe(sound(RECORDING));
    // Each fragment decodes by itself: parameter sets stand before its key frame.
    const keys = jsonLines<Line>(kvs(['frames', RECORDING, '--json', '--track', '1'])).flatMap(({ keyframe }, i) =>
      keyframe ? i : [],
    );
    const videos = names.filter((name) => name.endsWith('.h264'));
    for (const key of keys.slice(0, 2)) expect(decoded(join(out, videos[key] ?? ''))).toHaveLength(1);
  });

  test.each([
    ['H.264 with large and small frames', '-c:v libx264 -preset veryfast -g 10 -bf 2 -pix_fmt yuv420p', '.h264'],
    ['H.264 with delimiters', '-c:v libx264 -preset veryfast -g 10 -x264-params aud=1 -pix_fmt yuv420p', '.h264'],
    ['H.265', '-c:v libx265 -preset ultrafast -g 10 -x265-params log-level=none -pix_fmt yuv420p', '.h265'],
  ])('%s', (name, encoding, extension) => {
    const file = join(folder, `${name.replace(/\W/g, '-')}.mkv`);
    ffmpeg(`-f lavfi -i testsrc2=s=322x182:r=25:d=1 ${encoding} ${file}`);
    const out = newFolder();
    const names = writeFrames(file, out);
    expect(names.every((each) => each.endsWith(extension))).toBe(true);
    const pictures = decoded(joined(out, extension));
    expect(pictures).toHaveLength(25);
    expect(pictures).toEqual(decoded(file));
  });

  it('an access unit delimiter stays first, and parameter sets stand once before each key frame', () => {
    const file = join(folder, 'H-264-with-delimiters.mkv');
    const out = newFolder();
    const types = writeFrames(file, out).map((name) =>
      splitNals(readFileSync(join(out, name)), 0)
        .map(([first = 0]) => first & 31)
        .join(),
    );
    // ffmpeg puts a message of the encoder in front of the first frame's delimiter.
    expect(types.flatMap((each, at) => (each.includes('7,8') ? at : []))).toEqual([0, 10, 20]);
    expect(types[10]).toMatch(/^9,7,8,(6,)*5(,5)*$/);
    expect(types[11]).toMatch(/^9,(6,)*1(,1)*$/);
  });

  it('frames in Annex B stay as they are, with the parameter sets of CodecPrivate where they have none', () => {
    const raw = join(folder, 'raw.h264');
    ffmpeg(`-f lavfi -i testsrc2=s=64x64:r=25:d=0.2 -c:v libx264 -preset veryfast -g 2 -bf 0 -pix_fmt yuv420p ${raw}`);
    const units = splitNals(readFileSync(raw), 0);
    const type = ([first = 0]: Uint8Array) => first & 31;
    const annexB = (list: readonly Uint8Array[]) => joinNals(list, 0);
    const sets = [7, 8].flatMap((wanted) => units.find((unit) => type(unit) === wanted) ?? []);
    const slices = units.filter((unit) => type(unit) === 5 || type(unit) === 1);
    for (const inFrames of [false, true]) {
      const blocks = slices.map((slice, at) => ({
        track: 1,
        timestamp: at * 40_000,
        keyframe: type(slice) === 5,
        frames: [annexB(inFrames && type(slice) === 5 ? [...sets, slice] : [slice])],
      }));
      const codecPrivate = inFrames ? undefined : annexB(sets);
      const tracks = [
        { number: 1, codecId: 'V_MPEG/ISO/AVC', codecPrivate, video: { pixelWidth: 64, pixelHeight: 64 } },
      ];
      const file = join(folder, `annex-b-${inFrames}.mkv`);
      writeFileSync(file, writeGetMediaFragment({ tracks, blocks }));
      const out = newFolder();
      writeFrames(file, out);
      expect(decoded(joined(out, '.h264'))).toEqual(decoded(raw));
    }
  });

  it('pictures of MJPEG are files by themselves', () => {
    const file = join(folder, 'mjpeg.mkv');
    ffmpeg(`-f lavfi -i testsrc2=s=64x48:r=25:d=0.2 -c:v mjpeg ${file}`);
    const out = newFolder();
    const names = writeFrames(file, out);
    expect(names).toHaveLength(5);
    expect(names.flatMap((name) => decoded(join(out, name), '-f', 'image2'))).toEqual(decoded(file));
  });

  test.each([
    ['pcm_s16le', '.pcm', ['-f', 's16le', '-ar', '8000', '-ac', '1']],
    ['pcm_f32le', '.pcm', ['-f', 'f32le', '-ar', '8000', '-ac', '1']],
    ['pcm_alaw', '.alaw', ['-f', 'alaw', '-ar', '8000', '-ac', '1']],
    ['pcm_mulaw', '.mulaw', ['-f', 'mulaw', '-ar', '8000', '-ac', '1']],
    ['ac3', '.ac3', []],
    ['eac3', '.eac3', []],
    // Without the encoder's delay, which a file of MP3 does not say.
    ['libmp3lame', '.mp3', undefined],
    ['libopus', '.bin', undefined],
  ] as const)('sound of %s', (codec, extension, raw) => {
    const file = join(folder, `${codec}.mkv`);
    ffmpeg(`-f lavfi -i sine=r=8000:d=0.5 -c:a ${codec} ${file}`);
    const out = newFolder();
    const names = writeFrames(file, out);
    expect(names.every((name) => name.endsWith(extension))).toBe(true);
    const all = joined(out, extension);
    if (raw !== undefined) expect(sound(all, ...raw)).toBe(sound(file));
    // The same as one file.
    const one = join(folder, `${codec}-one${extension === '.bin' ? '.pcm' : extension}`);
    const { status, stderr } = kvs(['frames', file, '--out', one]);
    if (extension === '.bin')
      expect([status, stderr]).toEqual([1, expect.stringContaining('no track can be written as')]);
    else expect(readFileSync(one).equals(readFileSync(all))).toBe(true);
  });
});

describe('kvs frames --out', () => {
  const aac = {
    number: 1,
    codecId: 'A_AAC',
    codecPrivate: Uint8Array.of(0x11, 0x88),
    audio: { samplingFrequency: 48_000, channels: 1 },
  };
  const one = { track: 1, timestamp: 0, keyframe: true, frames: [Uint8Array.of(1, 2, 3)] };

  it.each([
    ['without a configuration', { ...aac, codecPrivate: undefined }],
    ['with a configuration that ADTS can’t say', { ...aac, codecPrivate: Uint8Array.of(0xf8, 0xff, 0xff, 0xff) }],
    ['of H.264 that is none', { number: 1, codecId: 'V_MPEG4/ISO/AVC', codecPrivate: Uint8Array.of(7, 7, 7) }],
    ['of H.264 that does not part into NAL units', { number: 1, codecId: 'V_MPEG4/ISO/AVC' }],
  ])('writes frames %s as they are stored, and says so once', (_, track) => {
    const bytes = concatBytes([documentHead([track]), cluster(0, [one, one])]);
    const out = newFolder();
    const run = kvs(['frames', '-', '--out', out], bytes);
    expect(run.status).toBe(0);
    expect(run.stderr).toMatch(/^(kvs: -: warning: .*\n)?kvs: -: frames of track 1 are written unchanged.*\n$/);
    expect(readdirSync(out)).toEqual(['frame-000000001-track1.bin', 'frame-000000002-track1.bin']);
    expect([...readFileSync(join(out, 'frame-000000001-track1.bin'))]).toEqual([1, 2, 3]);
  });

  it('writes compressed frames as they are stored, and says so', () => {
    const entry = writeMaster(Mkv.TrackEntry, [
      writeElement(Mkv.TrackNumber, 1),
      writeElement(Mkv.CodecID, 'V_MJPEG'),
      writeMaster(Mkv.ContentEncodings, [
        writeMaster(Mkv.ContentEncoding, [writeMaster(Mkv.ContentCompression, [writeElement(Mkv.ContentCompAlgo, 1)])]),
      ]),
    ]);
    const bytes = concatBytes([documentHead([]), writeMaster(Mkv.Tracks, [entry]), cluster(0, [one])]);
    const out = newFolder();
    const run = kvs(['frames', '-', '--out', out], bytes);
    expect(run.stderr).toMatch(/they are bzlib/);
    expect(readdirSync(out)).toEqual(['frame-000000001-track1.bin']);
  });

  it('inflates frames that are stored with zlib, and says where one cannot be', async () => {
    const file = 'test/cases/muxers--mm-zlib.mkv';
    const hashes: string[] = [];
    for await (const frame of readFrames(readFileSync(file))) {
      const { data } = await inflateFrame(frame);
      hashes.push(createHash('sha256').update(data).digest('hex'));
    }
    const run = kvs(['frames', file, '--hash', 'sha256', '--json']);
    const lines = run.stdout.trim().split('\n');
    expect(lines.map((line) => JSON.parse(line).sha256)).toEqual(hashes);
    const entry = writeMaster(Mkv.TrackEntry, [
      writeElement(Mkv.TrackNumber, 1),
      writeMaster(Mkv.ContentEncodings, [writeMaster(Mkv.ContentEncoding, [writeMaster(Mkv.ContentCompression, [])])]),
    ]);
    const broken = concatBytes([documentHead([]), writeMaster(Mkv.Tracks, [entry]), cluster(0, [one])]);
    const refused = kvs(['frames', '-'], broken);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toMatch(/^kvs: -: byte \d+: a frame cannot be inflated/m);
  });

  it('writes frames of one track only, and puts stripped headers back', () => {
    const stripped = {
      number: 2,
      codecId: 'A_PCM/INT/LIT',
      strippedHeader: Uint8Array.of(9),
      audio: { samplingFrequency: 8000, channels: 1 },
    };
    const bytes = concatBytes([documentHead([aac, stripped]), cluster(0, [one, { ...one, track: 2 }])]);
    const out = newFolder();
    expect(kvs(['frames', '-', '--out', out, '--track', '2'], bytes).status).toBe(0);
    expect(readdirSync(out)).toEqual(['frame-000000001-track2.pcm']);
    expect([...readFileSync(join(out, 'frame-000000001-track2.pcm'))]).toEqual([9, 1, 2, 3]);
  });

  it('writes all files also when nobody reads the lines', () => {
    const blocks = Array.from({ length: 2500 }, () => one);
    const file = join(folder, 'many.mkv');
    writeFileSync(file, concatBytes([documentHead([aac]), cluster(0, blocks)]));
    const out = newFolder();
    const command = `"${process.execPath}" dist/cli/main.js frames "${file}" --json --hash sha256 --out "${out}" | true`;
    const { status, stderr } = spawnSync('bash', ['-o', 'pipefail', '-c', command], { encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
    expect(readdirSync(out)).toHaveLength(2500);
  });

  it('leaves no unfinished file, and fails with exit code 1 where it cannot write', () => {
    const out = newFolder();
    mkdirSync(join(out, 'frame-000000002-track1.aac'), { recursive: true });
    const bytes = concatBytes([documentHead([aac]), cluster(0, [one, one, one])]);
    const refused = kvs(['frames', '-', '--out', out], bytes);
    expect([refused.status, refused.stderr]).toEqual([1, expect.stringContaining('already exists; use --force')]);
    const run = kvs(['frames', '-', '--out', out, '--force'], bytes);
    expect(run.status).toBe(1);
    expect(run.stderr).toMatch(/^kvs: cannot write .*E/);
    expect(readdirSync(out).sort()).toEqual(['frame-000000001-track1.aac', 'frame-000000002-track1.aac']);
    writeFileSync(join(folder, 'file'), '');
    expect(kvs(['frames', RECORDING, '--out', join(folder, 'file')]).status).toBe(1);
  });
});
