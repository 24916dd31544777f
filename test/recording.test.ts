import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { MkvElement } from '../src/mkv/element.js';
import { Mkv } from '../src/mkv/elements.js';
import { StreamingMkvReader } from '../src/mkv/reader.js';
import { describeNeeding, runTool, tools } from './support/tools.js';

const bytes = readFileSync('examples/recording/camera.mkv');
const facts = JSON.parse(readFileSync('examples/recording/camera.json', 'utf8'));

interface TrackFacts {
  track: number;
  count: number;
  timestamps: number[];
  sha256: string;
}
interface FragmentFacts {
  bytes: number;
  frames: TrackFacts[];
}

const fragments: FragmentFacts[] = facts.fragments;
const documents = fragments.map(({ bytes: length }, i) => {
  const start = fragments.slice(0, i).reduce((sum, fragment) => sum + fragment.bytes, 0);
  return bytes.subarray(start, start + length);
});

describe('the recording', () => {
  it('is the one that its facts are about', () => {
    expect(bytes.length).toBe(facts.bytes);
    expect(bytes.length).toBeLessThan(300_000);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(facts.sha256);
  });

  it('is read without a warning, and all of its CRC-32 elements are right', () => {
    const warnings: string[] = [];
    const reader = new StreamingMkvReader({ verifyCrc: true, onWarning: ({ message }) => warnings.push(message) });
    reader.push(bytes);
    reader.end();
    const elements: MkvElement[] = [];
    for (let e = reader.nextIfAvailable(); e !== undefined; e = reader.nextIfAvailable()) elements.push(e);
    expect(warnings).toEqual([]);
    expect(elements.filter((e) => e.kind === 'start' && e.type === Mkv.Segment)).toHaveLength(fragments.length);
    const frames = elements.flatMap((e) => (e.kind === 'data' && e.is(Mkv.SimpleBlock) ? e.value.frames : []));
    expect(frames).toHaveLength(facts.frames);
    expect(createHash('sha256').update(Buffer.concat(frames)).digest('hex')).toBe(facts.allFramesSha256);
    const crcs = elements.filter((e) => e.type === Mkv['CRC-32']);
    expect(crcs).toHaveLength(5 * fragments.length);
  });
});

describeNeeding('the recording, by ffprobe and ffmpeg', [tools('ffprobe', 'ffmpeg')], () => {
  it('has the frames and times that ffprobe finds', () => {
    const show = ['-show_entries', 'packet=stream_index,pts,data_hash', '-show_data_hash', 'sha256'];
    const json = runTool('ffprobe', ['-v', 'error', '-of', 'json', ...show, 'examples/recording/camera.mkv']);
    const packets: { stream_index: number; pts: number; data_hash: string }[] = JSON.parse(json).packets;
    for (const track of [1, 2]) {
      const own = packets.filter((packet) => packet.stream_index === track - 1);
      const times = fragments.flatMap(({ frames }) => frames[track - 1]?.timestamps ?? []);
      expect(own.map(({ pts }) => pts * 1000)).toEqual(times);
      expect(new Set(own.map(({ data_hash }) => data_hash)).size).toBeGreaterThan(own.length / 2);
    }
    expect(packets).toHaveLength(facts.frames);
  });

  it('decodes, each fragment by itself', () => {
    for (const [i, document] of documents.entries()) {
      const log = runTool('ffmpeg', ['-v', 'error', '-xerror', '-i', '-', '-f', 'framemd5', '-'], { input: document });
      const lines = log.split('\n').filter((line) => /^\d/.test(line));
      expect(lines.filter((line) => line.startsWith('0'))).toHaveLength(fragments[i]?.frames[0]?.count ?? 0);
      expect(lines.filter((line) => line.startsWith('1')).length).toBeGreaterThan(0);
    }
  });
});
