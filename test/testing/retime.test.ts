import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Mkv } from '../../src/mkv/elements.js';
import { StreamingMkvReader } from '../../src/mkv/reader.js';
import { writeGetMediaFragment } from '../../src/testing/get-media-writer.js';
import { retimeCluster } from '../../src/testing/retime.js';

const TRACKS = [{ number: 1, codecId: 'V_MJPEG' }];

/** The Cluster of a fragment that begins at `start` milliseconds. */
function cluster(start: number, relative: readonly number[], crc: boolean, unknownSizeCluster: boolean): Uint8Array {
  const blocks = relative.map((time) => ({
    track: 1,
    timestamp: (start + time) * 1000,
    frames: [Uint8Array.of(time)],
  }));
  const bytes = writeGetMediaFragment({ tracks: TRACKS, timestamp: start * 1000, blocks }, { crc, unknownSizeCluster });
  const reader = new StreamingMkvReader({ elements: [Mkv.Cluster] });
  reader.push(bytes);
  return bytes.subarray(reader.nextIfAvailable()?.offset);
}

describe('retimeCluster', () => {
  it('gives what would have been written at the later time, its CRC-32 and all', () => {
    fc.assert(
      fc.property(
        fc.nat(1_000_000),
        fc.nat(10_000_000),
        fc.array(fc.nat(30_000), { maxLength: 5 }),
        fc.boolean(),
        fc.boolean(),
        (start, later, relative, crc, unknownSize) => {
          const moved = retimeCluster(cluster(start, relative, crc, unknownSize), BigInt(later));
          expect(Buffer.compare(moved, cluster(start + later, relative, crc, unknownSize))).toBe(0);
        },
      ),
    );
  });
});
