import { isLandmark } from '../src/ebml/element-type.js';
import { concatBytes } from '../src/ebml/writer.js';
import { MKV_SCHEMA, Mkv } from '../src/mkv/elements.js';
import { writeGetMediaFragment } from '../src/testing/get-media-writer.js';
import { ensure } from './finding.js';
import type { Choices } from './input.js';
import { noise } from './mutate-bytes.js';
import type { Reading } from './reading.js';

/** A fragment number that no stream has but in its frames. */
const FORGED = '9'.repeat(40);

/** A stream with bytes of one Cluster overwritten. */
export interface DamagedCluster {
  readonly bytes: Uint8Array;
  /** Where the Cluster begins. */
  readonly start: number;
  /** Where it ends. */
  readonly end: number;
}

/** Streams whose frames hold documents, Clusters and what begins like one. */
export function hostileSeeds(): Uint8Array[] {
  const forged = fragment(FORGED, [Uint8Array.of(1, 2, 3)], true);
  const bounded = fragment(FORGED, [Uint8Array.of(1, 2, 3)], false);
  const cluster = forged.subarray(Buffer.from(forged).indexOf(Buffer.from('1f43b675', 'hex')));
  const frames = [
    forged,
    bounded,
    cluster,
    concatBytes([Uint8Array.of(0, 0xa3), bounded, forged]),
    Uint8Array.of(0x1a),
  ];
  return [frames, [...frames].reverse(), frames.slice(0, 2)].map((each) =>
    concatBytes([fragment('1001', each, false), fragment('1002', frames.slice(2), false)]),
  );
}

function fragment(fragmentNumber: string, frames: readonly Uint8Array[], unknownSizeCluster: boolean): Uint8Array {
  return writeGetMediaFragment(
    {
      tracks: [{ number: 1, codecId: 'V_VP8' }],
      fragmentNumber,
      producerTimestamp: 1_700_000_000_000,
      continuationToken: fragmentNumber,
      blocks: frames.map((frame, i) => ({ track: 1, timestamp: i * 40_000, keyframe: i === 0, frames: [frame] })),
    },
    { unknownSizeCluster },
  );
}

/** Overwrites some bytes of a Cluster that has a size and a landmark or nothing behind it; `undefined` where the stream has none. */
export function damageCluster(whole: Reading, bytes: Uint8Array, c: Choices): DamagedCluster | undefined {
  const clusters = whole.elements.flatMap((line, i) => {
    const [, header = '', size = ''] = startOf(line, Mkv.Cluster.id) ?? [];
    if (size === '' || size === 'undefined') return [];
    const start = offsetOf(line);
    const end = start + Number(header) + Number(size);
    const next = whole.elements.slice(i + 1).find((each) => !each.startsWith('end') && offsetOf(each) >= end);
    const isPlain = next === undefined ? end === bytes.length : offsetOf(next) === end && isLandmarkLine(next);
    return isPlain && Number(size) > 0 ? [{ start, from: start + Number(header), end }] : [];
  });
  if (clusters.length === 0) return undefined;
  const { start, from, end } = c.pick(clusters);
  const damaged = bytes.slice();
  const at = from + c.below(end - from);
  if (c.oneIn(2)) damaged[at] = (damaged[at] ?? 0) ^ (1 << c.below(8));
  else damaged.set(noise(c, Math.min(end - at, 1 + c.below(8))), at);
  return { bytes: damaged, start, end };
}

/** What stands in a Cluster whose size holds is never the beginning of a Cluster, of Tags or of a document. */
export function ensureNothingForged(whole: Reading, damaged: Reading, { start, end }: DamagedCluster): void {
  const landmarks = new Set(whole.elements.filter(isLandmarkLine));
  for (const line of damaged.elements) {
    const offset = offsetOf(line);
    if (!isLandmarkLine(line) || offset < start || offset >= end) continue;
    ensure(landmarks.has(line) || offset === start, () => `what stands in a Cluster is given as <${line}>`);
  }
}

function startOf(line: string, id: number): readonly string[] | undefined {
  const found = new RegExp(`^start ${id.toString(16)} in .* at \\d+/(\\d+)/(\\w+)`).exec(line);
  return found ?? undefined;
}

function offsetOf(line: string): number {
  return Number(/ at (\d+)\//.exec(line)?.[1]);
}

function isLandmarkLine(line: string): boolean {
  const [kind, id = ''] = line.split(' ');
  const type = MKV_SCHEMA.get(Number.parseInt(id, 16));
  return kind === 'start' && type !== undefined && isLandmark(type);
}
