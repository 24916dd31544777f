import { describe, expect, it } from 'vitest';
import { concatBytes, writeHeader } from '../../src/ebml/writer.js';
import { Mkv, MkvParseError, type ReadFragmentsOptions, readFragments } from '../../src/index.js';
import { writeGetMediaFragment } from '../../src/testing/get-media-writer.js';
import { noise } from '../support/bytes.js';

function fragment(index: number, unknownSizeCluster: boolean): Uint8Array {
  const number = String(1000 + index);
  return writeGetMediaFragment(
    {
      tracks: [{ number: 1, codecId: 'V_VP8', video: { pixelWidth: 320, pixelHeight: 240 } }],
      tags: [['Lat', '47.608013N']],
      fragmentNumber: number,
      producerTimestamp: 1_700_000_000_000,
      continuationToken: number,
      millisBehindNow: 0,
      blocks: [0, 1, 2, 3].map((i) => ({
        track: 1,
        timestamp: (index * 4 + i) * 40_000,
        keyframe: i === 0,
        frames: [noise(100, index * 4 + i)],
      })),
    },
    // Another scale than the one that is meant where none is said.
    { timestampScale: 500_000, unknownSizeCluster },
  );
}

/** What is given, and whether anything was said to be wrong. */
async function read(bytes: Uint8Array, options: ReadFragmentsOptions): Promise<{ given: string; told: boolean }> {
  let told = false;
  const note = () => {
    told = true;
  };
  const lines: string[] = [];
  try {
    for await (const each of readFragments(bytes, { ...options, onGap: note, onWarning: note })) {
      if (each.truncated) note();
      const tracks = each.tracks.map((track) => [track.number, track.codecId]);
      const frames = each.frames.map(({ timestamp, size, keyframe }) => [timestamp, size, keyframe]);
      lines.push(JSON.stringify([each.fragmentNumber, each.continuationToken, each.tags, tracks, frames]));
    }
  } catch (error) {
    if (!(error instanceof MkvParseError)) throw error;
    note();
  }
  return { given: lines.join('\n'), told };
}

const IN_CLUSTER: readonly unknown[] = [Mkv.Timestamp, Mkv.SimpleBlock];
const TYPES = [
  Mkv.EBML,
  Mkv.Segment,
  Mkv.Info,
  Mkv.Tracks,
  Mkv.Cluster,
  Mkv.Tags,
  Mkv.TrackEntry,
  Mkv.TimestampScale,
  ...[Mkv.Timestamp, Mkv.SimpleBlock],
];

describe.each([false, true])('a bit of an id is wrong, unknown size of Clusters: %s', (unknownSize) => {
  const first = fragment(0, unknownSize);
  const body = concatBytes([first, fragment(1, unknownSize), fragment(2, unknownSize)]);
  const idOf = (type: (typeof TYPES)[number]) => writeHeader(type, 0).slice(0, -1);
  const find = (type: (typeof TYPES)[number]) => {
    const within = IN_CLUSTER.includes(type) ? Mkv.Cluster : type === Mkv.TrackEntry ? Mkv.Tracks : undefined;
    const start = within === undefined ? first.length : Buffer.from(body).indexOf(idOf(within), first.length) + 4;
    return Buffer.from(body).indexOf(idOf(type), start);
  };

  it.each(TYPES)('$name: told in every mode, or without consequence', async (type) => {
    const whole = await read(body, {});
    expect(whole.told).toBe(false);
    const at = find(type);
    for (const options of [{}, { strict: true }, { verifyCrc: true }, { recover: true }]) {
      for (let bit = 0; bit < 8 * idOf(type).length; bit++) {
        const damaged = body.slice();
        damaged[at + (bit >> 3)] = (damaged[at + (bit >> 3)] ?? 0) ^ (0x80 >> (bit & 7));
        const { given, told } = await read(damaged, options);
        if (given !== whole.given) expect(told, `bit ${bit} of ${type.name}, ${JSON.stringify(options)}`).toBe(true);
      }
    }
  });
});

it('an element of an extension is passed over', async () => {
  const known = fragment(0, false);
  const at = Buffer.from(known).indexOf(writeHeader(Mkv.Cluster, 0).slice(0, -1));
  const extension = concatBytes([Uint8Array.of(0x1a, 0xbc, 0xde, 0xf0, 0x80 + 20), noise(20, 3)]);
  const extended = concatBytes([known.subarray(0, at), extension, known.subarray(at)]);
  for (const recover of [false, true]) {
    // The Segment of the writer has a size of its own; the Cluster behind it reaches past its end.
    const { given } = await read(extended, { recover });
    expect(given).toBe((await read(known, {})).given);
  }
});

describe('what swallows documents is told, and with recover costs none of them', () => {
  const html = '<!DOCTYPE html><html><body>Please sign in to go on</body></html>';
  const json = '{"message":"The security token included in the request is expired"}';
  const text = (words: string) => new TextEncoder().encode(words);
  it.each<[string, Uint8Array]>([
    ['HTML', text(html)],
    ['JSON', text(json)],
    ['an unknown element whose size is wrong', Uint8Array.of(0x5a, 0x11, 0x4f, 0x43, 1, 2, 3)],
  ])('%s between two documents', async (_, inserted) => {
    const documents = Array.from({ length: 12 }, (__, index) => fragment(index, false));
    const bytes = concatBytes([...documents.slice(0, 1), inserted, ...documents.slice(1)]);
    const whole = (await read(concatBytes(documents), {})).given.split('\n');
    expect((await read(bytes, {})).told).toBe(true);
    const { told, given } = await read(bytes, { recover: true });
    expect(told).toBe(true);
    expect(given.split('\n').slice(1)).toEqual(whole.slice(1));
  });
});
