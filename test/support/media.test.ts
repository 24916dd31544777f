import { expect, test } from 'vitest';
import { Mkv } from '../../src/index.js';
import { MEDIA, MEDIA_NAMES, type MediaName, mediaBytes } from './media.js';
import { readChunks } from './read-all.js';
import { describeNeeding } from './tools.js';

/** What each file must have, and must not, so that the tests which use it test something. */
const CONTENTS: Record<MediaName, { readonly has: readonly string[]; readonly hasNot?: readonly string[] }> = {
  'h264-aac.mkv': { has: ['CRC-32', 'Cues', 'SimpleBlock', 'Tags', '2 TrackEntry'] },
  'no-crc.mkv': { has: ['SimpleBlock'], hasNot: ['CRC-32'] },
  'live.webm': { has: ['Segment of unknown size'], hasNot: ['Cues'] },
  'unknown-clusters.webm': { has: ['Segment of unknown size', 'Cluster of unknown size', '3 Cluster'] },
  'media-recorder.webm': { has: ['Segment of unknown size', 'Cluster of unknown size', '2 TrackEntry'] },
  'dash.webm': { has: ['Cues'] },
  'alpha.webm': { has: ['BlockAdditional'] },
  'ebml-lacing.mkv': { has: ['ebml lacing'] },
  'xiph-lacing.mkv': { has: ['xiph lacing', 'laced frames of over 255 bytes'] },
  'ac3.mkv': { has: ['63 SimpleBlock'] },
  'fixed-size-lacing.mkv': { has: ['fixed-size lacing', '9 SimpleBlock'] },
  'block-groups.mkv': { has: ['BlockDuration', 'ReferenceBlock'], hasNot: ['SimpleBlock'] },
  'opus.mkv': { has: ['CodecDelay', 'DiscardPadding', 'SeekPreRoll'] },
  'header-stripping.mkv': { has: ['ContentCompSettings'] },
  'zlib.mkv': { has: ['ContentCompression'] },
  'fine-timestamps.mkv': { has: ['TimestampScale 100000'] },
  'everything.mkv': {
    has: ['4 TrackEntry', '2 SeekHead', '3 ChapterAtom', 'AttachedFile', 'MasteringMetadata', 'TagBinary'],
  },
};

describeNeeding('the files that tests make', [MEDIA], () => {
  test.each(MEDIA_NAMES)('%s has what it is made for', async (name) => {
    const facts = contentsOf(await mediaBytes(name));
    const { has, hasNot = [] } = CONTENTS[name];
    expect([...facts]).toEqual(expect.arrayContaining([...has]));
    expect(hasNot.filter((fact) => facts.has(fact))).toEqual([]);
  });
});

/** Names of elements, alone and with their number, and what is special about them. */
function contentsOf(bytes: Uint8Array): Set<string> {
  const facts = new Set<string>();
  const counts = new Map<string, number>();
  for (const element of readChunks([bytes])) {
    if (element.kind === 'end') continue;
    const { name = 'unknown' } = element.type;
    counts.set(name, (counts.get(name) ?? 0) + 1);
    if (element.dataSize === undefined) facts.add(`${name} of unknown size`);
    if (element.kind !== 'data') continue;
    if (element.is(Mkv.SimpleBlock) || element.is(Mkv.Block)) {
      const { lacing, frames } = element.value;
      facts.add(`${lacing} lacing`);
      if (lacing !== 'none' && frames.some((frame) => frame.length > 255)) facts.add('laced frames of over 255 bytes');
    }
    if (element.is(Mkv.TimestampScale)) facts.add(`${name} ${element.value}`);
  }
  for (const [name, count] of counts) facts.add(name).add(`${count} ${name}`);
  return facts;
}
