import { describe, expect, it } from 'vitest';
import { findSilences, flippedStream, MODES, placesIn } from '../fuzz/flips/flips.js';

/** A part of the bits; a number that has no factor in common with 8, so that all places in a byte are among them. */
const EVERY = 13;

/**
 * One wrong bit makes something else of these that the standard permits where it stands: another id that may stand there, or an element that
 * has swallowed whole ones behind it. `npm run flips` prints all of them.
 */
const PERMITTED: readonly string[] = [
  'id of TagString',
  'size of TagName',
  'size of Name',
  'id of TrackNumber',
  'size of TrackNumber',
  'id of CodecID',
  'id of Video',
  'id of Audio',
  'id of PixelHeight',
  'id of Channels',
  'id of Timestamp',
  'size of EBMLVersion',
  'size of DocTypeVersion',
  'size of SimpleBlock',
];

describe.each([false, true])('one wrong bit that is no payload, Clusters of unknown size: %s', (unknownSize) => {
  it(`is told in ${Object.keys(MODES).join(', ')}, or changes only the value that it stands in`, async () => {
    const stream = flippedStream(unknownSize);
    const all = placesIn(stream);
    const places = all.filter((_, i) => i % EVERY === Number(unknownSize));
    expect(places.length).toBeGreaterThan(1000);
    const silences = await findSilences(stream, places);
    const kinds = new Set(silences.map(({ part, element }) => `${part} of ${element}`));
    expect([...kinds].filter((kind) => !PERMITTED.includes(kind))).toEqual([]);
    // Where bits are silent at all, few of them are.
    expect(silences.filter(({ what }) => what === 'elements').length).toBeLessThan((3 * places.length) / 100);
  });
});
