import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { kvs } from '../support/cli.js';
import { temporaryFolder } from '../support/ffmpeg-media.js';
import { bodyOf, readMedia, wrapAsGetMedia } from '../support/kvs-media.js';
import { mediaBytes } from '../support/media.js';
import { decodeMessages, probePackets } from '../support/mp4-judges.js';
import { describeNeeding, tools } from '../support/tools.js';

describeNeeding('kvs remux', [tools('ffmpeg', 'ffprobe')], () => {
  const folder = temporaryFolder();
  const input = join(folder, 'in.mkv');
  let body: Uint8Array;
  let packets: number;
  let firstFragment: number;

  beforeAll(async () => {
    const media = await readMedia(await mediaBytes('h264-aac.mkv'));
    const fragments = wrapAsGetMedia(media);
    firstFragment = fragments[0]!.bytes.length;
    body = bodyOf(fragments);
    packets = media.frames.length;
    writeFileSync(input, body);
  });

  test.each([[[]], [['--fragmented']]])('%j', (flags) => {
    const out = join(folder, `out${flags.join()}.mp4`);
    const run = kvs(['remux', input, out, '--json', ...flags]);
    expect(run.stderr).toBe('');
    expect(JSON.parse(run.stdout)).toMatchObject({
      fragments: 2,
      invalidFragments: 0,
      truncated: false,
      bytes: readFileSync(out).length,
      mimeType: expect.stringMatching(/^video\/mp4; codecs="avc1\.[0-9a-f]{6},mp4a\.40\.2"$/),
    });
    expect(decodeMessages(out)).toBe('');
    expect(probePackets(out).length).toBe(packets);
    const piped = kvs(['remux', '-', '-', ...flags], body);
    expect(piped.status).toBe(0);
    expect(piped.stderr).toMatch(/^fragments: 2; seconds: 2\.\d+; bytes: \d+; video\/mp4; codecs="avc1/);
  });

  test.each([[[]], [['--fragmented']]])(
    'an input that is cut leaves no file, with --recover what there is; %j',
    (flags) => {
      const cut = join(folder, 'cut.mkv');
      writeFileSync(cut, body.subarray(0, firstFragment + 3000));
      const out = join(folder, `cut${flags.join()}.mp4`);
      const run = kvs(['remux', cut, out, ...flags]);
      expect(run).toMatchObject({
        status: 1,
        stderr: expect.stringMatching(/^kvs: .*cut\.mkv: the input ends inside/),
      });
      expect(existsSync(out)).toBe(false);
      expect(kvs(['remux', cut, out, '--recover', ...flags])).toMatchObject({
        status: 0,
        stdout: expect.stringContaining('the last fragment is incomplete'),
      });
      expect(decodeMessages(out)).toBe('');
      expect(readdirSync(folder).filter((name) => /spool|part/.test(name))).toEqual([]);
    },
  );

  test("media that is no MP4's", async () => {
    const vp8 = join(folder, 'vp8.webm');
    writeFileSync(vp8, await mediaBytes('live.webm'));
    const run = kvs(['remux', vp8, join(folder, 'vp8.mp4')]);
    expect(run).toMatchObject({ status: 1, stderr: expect.stringContaining('UnsupportedStreamMediaType') });
    expect(kvs(['remux', input])).toMatchObject({ status: 2, stderr: expect.stringContaining('usage: kvs remux') });
  });

  test.each([[[]], [['--fragmented']]])('--track picks tracks; %j', (flags) => {
    const out = join(folder, 'picked.mp4');
    for (const [track, type] of [
      ['video', 'video'],
      ['2', 'audio'],
    ] as const) {
      const run = kvs(['remux', input, out, '--json', '--track', track, '--force', ...flags]);
      expect(JSON.parse(run.stdout).mimeType).toMatch(new RegExp(`^${type}/mp4; codecs="[^,]+"$`));
      expect(new Set(probePackets(out).map(({ stream }) => stream)).size).toBe(1);
    }
    expect(kvs(['remux', input, out, '--track', '1', '--track', 'audio', '--force', ...flags]).status).toBe(0);
    expect(probePackets(out).length).toBe(packets);
    expect(kvs(['remux', input, out, '--track', 'none', '--force', ...flags])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('--track none'),
    });
    expect(kvs(['remux', input, out, '--track', '9', '--force', ...flags]).status).toBe(1);
  });

  test('where tracks change, another file follows: each plays, and together they have all', async () => {
    const out = join(folder, 'changes.mp4');
    const media = await readMedia(new Uint8Array(readFileSync('examples/recording/camera.mkv')));
    const only = (isIn: (time: number) => boolean) => ({
      tracks: media.tracks,
      frames: media.frames.filter(({ track, timestamp }) => track.type === 'video' || isIn(timestamp)),
    });
    const late = join(folder, 'late.mkv');
    writeFileSync(late, bodyOf(wrapAsGetMedia(only((time) => time > 4e6))));
    // What is in the header of a file may be missing for a while, or from then on.
    const away = join(folder, 'away.mkv');
    writeFileSync(away, bodyOf(wrapAsGetMedia(only((time) => time < 2e6 || time > 7e6))));
    for (const [source, count] of [
      [late, 2],
      ['test/cases/sps-change--stale.mkv', 2],
      [away, 1],
    ] as const) {
      const run = kvs(['remux', source, out, '--json', '--force', '--fragmented']);
      expect(run.status).toBe(0);
      const { files = [out], bytes, initializations } = JSON.parse(run.stdout);
      expect([files.length, initializations]).toEqual([count, count]);
      if (count > 1) {
        expect(run.stderr).toContain(`what follows is in ${join(folder, 'changes-2.mp4')}`);
        expect(files).toEqual([out, join(folder, 'changes-2.mp4')]);
      }
      expect(files.reduce((sum: number, file: string) => sum + readFileSync(file).length, 0)).toBe(bytes);
      const whole = join(folder, 'whole.mp4');
      expect(kvs(['remux', source, whole, '--force']).status).toBe(0);
      const packets = files.flatMap((file: string) => {
        expect([file, decodeMessages(file)]).toEqual([file, '']);
        return probePackets(file);
      });
      expect(packets.length).toBe(probePackets(whole).length);
    }
    expect(kvs(['remux', late, join(folder, 'new.mp4'), '--fragmented']).status).toBe(0);
    rmSync(join(folder, 'new.mp4'));
    // The second file is there already: nothing is written over it, and nothing is left.
    expect(kvs(['remux', late, join(folder, 'new.mp4'), '--fragmented'])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('new-2.mp4 already exists'),
    });
    expect(existsSync(join(folder, 'new.mp4'))).toBe(false);
    // Standard output has them all, and says so.
    expect(kvs(['remux', late, '-', '--fragmented']).stderr).toContain('2 initialization segments');
  });

  test.each([[[]], [['--fragmented']]])('tracks that do not go in are named; %j', (flags) => {
    const out = join(folder, 'left-out.mp4');
    const run = kvs(['remux', 'test/cases/av-codecs--h264+opus.mkv', out, '--json', '--force', ...flags]);
    const reason = expect.stringMatching(/UnsupportedStreamMediaType: .*track 2, A_OPUS/);
    expect(run).toMatchObject({ status: 0, stderr: reason });
    expect(JSON.parse(run.stdout)).toMatchObject({ leftOut: [reason] });
  });

  test('--start-at-zero lets segments begin at 0', async () => {
    const source = 'test/cases/single-frame--fps1.mkv';
    const out = join(folder, 'zero.mp4');
    kvs(['remux', source, out, '--fragmented']);
    expect(probePackets(out)[0]!.pts).toBe(1_700_000_000);
    kvs(['remux', source, out, '--fragmented', '--start-at-zero', '--force']);
    expect(probePackets(out).map(({ pts }) => pts)).toEqual(Array.from({ length: 12 }, (_, i) => i));
  });
});
