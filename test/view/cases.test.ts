import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkStream } from '../../src/check/check-stream.js';
import { readFrames } from '../../src/fragments/read.js';
import { type EncodedRun, FrameFlag } from '../../src/view/protocol.js';
import { openBytes } from './support.js';

const CASES = readdirSync('test/cases').filter((name) => /\.(mkv|webm)$/.test(name));

/** How many frames of each track there are to decode, where not each of those in the file is one. */
const DECODED: Readonly<Record<string, number>> = {
  // A picture is spread over two Blocks, or has its parameter sets in one of their own.
  'nal-per-block--slices-apart-avcc.mkv': 20,
  'sets-apart--same-time.mkv': 20,
};

describe.each(CASES)('%s', (name) => {
  const bytes = new Uint8Array(readFileSync(`test/cases/${name}`));

  it('opens, with its findings', async () => {
    const { model } = await openBytes(bytes);
    const report = await checkStream([bytes]);
    expect(model.state).toMatchObject({ phase: 'done', error: undefined });
    expect(model.findings).toEqual(report.findings);
    expect(model.frames.count).toBe(report.frames);
    expect(model.fragments).toHaveLength(report.fragments);
  });

  it('has the times, sizes, flags and bytes of its frames', async () => {
    const { model, inspection } = await openBytes(bytes);
    const { frames } = model;
    let at = 0;
    for await (const frame of readFrames([bytes])) {
      const row = frames.row(at);
      expect(row).toMatchObject({ timestamp: frame.timestamp, duration: frame.duration, size: frame.size });
      expect((row?.flags ?? 0) & FrameFlag.key).toBe(frame.keyframe ? FrameFlag.key : 0);
      const wall = frame.producerTimestamp?.getTime();
      if (wall !== undefined) expect(Math.round(row?.time ?? 0)).toBe(wall);
      const { data = 0, size = 0 } = row ?? {};
      const stored = await inspection.ask('bytes', { offset: data, length: size });
      expect(Buffer.compare(stored, frame.data)).toBe(0);
      at++;
    }
    expect(frames.count).toBe(at);
  });

  it('gives what shows a frame: from the key frame before it to itself, in order', async () => {
    const { model, inspection } = await openBytes(bytes);
    const { frames, tracks } = model;
    // By TrackNumber, the last frame of each.
    const lasts = new Map(Array.from(frames.track, (id, frame) => [tracks[id]?.number, frame]));
    for (const last of lasts.values()) {
      const run = await inspection.ask('picture', { frame: last });
      expect(run.problem).toBeUndefined();
      const numbers = run.frames.map(({ frame }) => frame);
      expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
      expect(run.frames.map(({ chunk }) => chunk.type)).toEqual(['key', ...Array(numbers.length - 1).fill('delta')]);
      expect([frames.row(numbers.at(-1) ?? -1)?.timestamp, run.timestamp]).toEqual(
        Array(2).fill(frames.timestamp[last]),
      );
    }
  });

  it('gives every frame of every track to decoders', async () => {
    const { model, inspection } = await openBytes(bytes);
    for (const number of new Set(model.tracks.map((track) => track.number))) {
      const mine = Array.from({ length: model.frames.count }, (_, frame) => frame).filter(
        (frame) => model.tracks[model.frames.track[frame] ?? -1]?.number === number,
      );
      let given = 0;
      for (let frame: number | undefined = 0; frame !== undefined; ) {
        const run: EncodedRun = await inspection.ask('run', { number, frame, count: 50 });
        if (run.frames.length === 0) break;
        expect(run.problem).toBeUndefined();
        expect(run.video ?? run.audio ?? run.raw).toBeDefined();
        expect(run.frames[0]?.chunk.type).toBe('key');
        given += run.frames.length;
        frame = run.next;
      }
      expect(given).toBe(DECODED[name] ?? mine.length);
    }
  });
});
