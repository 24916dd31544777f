import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  type Mp4InitSegment,
  type Mp4RemuxError,
  type Mp4Segment,
  mp4SegmentStream,
  remuxToMp4,
} from '../../src/mp4/index.js';
import { temporaryFolder } from '../support/ffmpeg-media.js';
import { bodyOf, readMedia, wrapAsGetMedia } from '../support/kvs-media.js';
import { decodeMessages, probePackets } from '../support/mp4-judges.js';
import { describeNeeding, tools } from '../support/tools.js';
import { joinSegments, KIND_NAMES, KINDS, segmentsOf } from './support.js';

const caseBytes = (name: string) => new Uint8Array(readFileSync(`test/cases/${name}.mkv`));
const inits = (segments: readonly Mp4Segment[]) =>
  segments.filter((segment): segment is Mp4InitSegment => segment.type === 'init');
const reasons = (errors: readonly Mp4RemuxError[]) => errors.map(({ code, trackNumber }) => [code, trackNumber]);

describeNeeding('tracks that are declared and', [tools('ffmpeg', 'ffprobe')], () => {
  const folder = temporaryFolder();

  const probe = (bytes: Uint8Array, name: string) => {
    const file = join(folder, `${name}.mp4`);
    writeFileSync(file, bytes);
    expect(decodeMessages(file)).toBe('');
    return probePackets(file);
  };

  describe.each(['silent-audio--never', 'silent-audio--never-nocpd'])('have no frames: %s', (name) => {
    test.each(KIND_NAMES)('%s', async (kind) => {
      const bytes = caseBytes(name);
      const { frames } = await readMedia(bytes);
      const told: Mp4RemuxError[] = [];
      const packets = probe(await KINDS[kind](bytes, { onTrackLeftOut: (error) => void told.push(error) }), name);
      expect(packets.map(({ stream }) => stream)).toEqual(frames.map(() => 0));
      expect(reasons(told)).toEqual([['NoFrames', 2]]);
    });

    test('the segments are there as the fragments come, and say what is left out', async () => {
      const segments = await segmentsOf(caseBytes(name));
      expect(inits(segments).map(({ tracks, leftOut }) => [tracks.length, reasons(leftOut)])).toEqual([
        [1, [['NoFrames', 2]]],
      ]);
      const result = await remuxToMp4(caseBytes(name), () => {});
      expect(reasons(result.leftOut)).toEqual([['NoFrames', 2]]);
    });
  });

  test.each(KIND_NAMES)('are not described: %s', async (kind) => {
    const media = await readMedia(caseBytes('audio-jitter--aac48-j15'));
    const bytes = bodyOf(wrapAsGetMedia({ ...media, tracks: media.tracks.filter(({ type }) => type === 'video') }));
    const told: Mp4RemuxError[] = [];
    const packets = probe(await KINDS[kind](bytes, { onTrackLeftOut: (error) => void told.push(error) }), 'stray');
    expect(reasons(told)).toEqual([['UnsupportedStreamMediaType', 2]]);
    expect(told[0]?.message).toMatch(/there are frames of a track that no TrackEntry describes/);
    expect(packets.length).toBe(media.frames.filter(({ track }) => track.type === 'video').length);
  });

  test('end after the first fragment: the others go on without them', async () => {
    const bytes = caseBytes('silent-audio--first-only');
    const { frames } = await readMedia(bytes);
    const video = frames.filter(({ track }) => track.type === 'video').length;
    const packets = probe(await KINDS.progressive(bytes), 'first-only');
    expect(packets.filter(({ stream }) => stream === 0).length).toBe(video);
    expect(packets.length).toBe(frames.length);
    const segments = await segmentsOf(bytes);
    expect(inits(segments).map(({ tracks, leftOut }) => [tracks.map(({ id }) => id), reasons(leftOut)])).toEqual([
      [[1, 2], []],
      [[1], [['NoFrames', 2]]],
    ]);
    expect(probe(joinSegments(segments), 'first-only').filter(({ stream }) => stream === 0).length).toBe(video);
  });

  test('come alive later: another initialization segment, and the same numbers of tracks', async () => {
    const media = await readMedia(caseBytes('audio-jitter--aac48-j15'));
    const late = {
      ...media,
      frames: media.frames.filter((f) => f.track.type === 'video' || f.timestamp > 1.7e15 + 2e6),
    };
    const told: Mp4RemuxError[] = [];
    const seen: string[] = [];
    for await (const segment of mp4SegmentStream(bodyOf(wrapAsGetMedia(late)), {
      onTrackLeftOut: (error) => void told.push(error),
    })) {
      seen.push(segment.type === 'init' ? segment.tracks.map(({ id, kind }) => `${kind} ${id}`).join() : 'media');
    }
    expect(seen).toEqual(['video 1', 'media', 'media', 'video 1,audio 2', 'media', 'media', 'media']);
    expect(reasons(told)).toEqual([['NoFrames', 2]]);
    const packets = probe(await KINDS.progressive(bodyOf(wrapAsGetMedia(late))), 'late');
    expect(packets.length).toBe(late.frames.length);
  });

  test('cannot be remuxed are left out; no others are', async () => {
    const bytes = caseBytes('av-codecs--h264+opus');
    const { frames } = await readMedia(bytes);
    const video = frames.filter(({ track }) => track.type === 'video').length;
    for (const kind of KIND_NAMES) {
      const told: Mp4RemuxError[] = [];
      const options = { onTrackLeftOut: (error: Mp4RemuxError) => void told.push(error) };
      expect(probe(await KINDS[kind](bytes, options), kind).length).toBe(video);
      expect(reasons(told)).toEqual([['UnsupportedStreamMediaType', 2]]);
      await expect(KINDS[kind](bytes, { tracks: ({ type }) => type === 'audio' })).rejects.toMatchObject({
        code: 'UnsupportedStreamMediaType',
        trackNumber: 2,
      });
    }
  });

  test('cannot be played are left out, and are an error when they are all there is', async () => {
    const body = caseBytes('alaw-only--alaw');
    expect((await segmentsOf(body)).length).toBeGreaterThan(1);
    const canPlay = (type: string) => type !== 'audio/mp4; codecs="alaw"';
    await expect(segmentsOf(body, { canPlay })).rejects.toMatchObject({
      code: 'UnsupportedStreamMediaType',
      message: expect.stringContaining('audio/mp4; codecs="alaw"'),
    });
    const video = caseBytes('silent-audio--first-only');
    const [init] = inits(await segmentsOf(video, { canPlay: (type) => !type.includes('mp4a') }));
    expect(init?.mimeType).not.toContain('mp4a');
    expect(reasons(init?.leftOut ?? [])).toEqual([['UnsupportedStreamMediaType', 2]]);
  });

  test('nothing of which can be remuxed do not wait for ever for one that has no frames yet', async () => {
    const media = await readMedia(caseBytes('silent-audio--never'));
    const fragments = wrapAsGetMedia(media, {
      track: (track) => (track.video === undefined ? track : { ...track, codecId: 'V_VP9' }),
    });
    const error = { code: 'UnsupportedStreamMediaType', trackNumber: 1 };
    await expect(segmentsOf(bodyOf(fragments))).rejects.toMatchObject(error);
    await expect(KINDS.progressive(bodyOf(fragments))).rejects.toMatchObject(error);
    async function* endless() {
      for (;;) for (const { bytes } of fragments) yield bytes;
    }
    const read = async () => {
      for await (const segment of mp4SegmentStream(endless())) expect(segment).toBeUndefined();
    };
    await expect(read()).rejects.toMatchObject(error);
  });
});
