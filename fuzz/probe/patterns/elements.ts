import { unknownElementType } from '../../../src/ebml/element-type.js';
import { Mkv } from '../../../src/mkv/elements.js';
import { random } from '../../../test/support/random.js';
import {
  ascii,
  cluster,
  data,
  ebmlHeader,
  hex,
  info,
  join,
  master,
  repeat,
  segment,
  simpleBlock,
  text,
  times,
  trackEntry,
  tracks,
  uint,
  unknownSize,
  write,
} from '../build.js';
import { type Pattern, pattern } from '../pattern.js';

const head = () => segment(info(), tracks(trackEntry()));
/** A Cluster's header that says it has 60 MiB. */
const claims60 = hex('1f43b675 13c00000');
/** Sizes that are not true: of what is held back, of what is kept, and of more than may be. */
const LIES = [
  ['8 KiB', '0100000000002000'],
  ['64 KiB', '0100000000010000'],
  ['30 MiB', '0100000001e00000'],
  ['4 PiB', '010fffffffffffff'],
] as const;
/** What an element that says it is so large may swallow: more of the same. */
const SWALLOWED = [
  ['documents', '1a45dfa3 011fffffffffffff', '4286'],
  ['documents, from an unknown element on', '1a45dfa3 011fffffffffffff 42868101', '4abc'],
  ['Clusters', '1f43b675 011fffffffffffff', 'ab'],
  ['Clusters, from a Block on', '1f43b675 011fffffffffffff e78101', 'a3'],
  ['Clusters, from a Void on', '1f43b675 011fffffffffffff e78101', 'ec'],
  ['Clusters, from an unknown element on', '1f43b675 011fffffffffffff e78101', '4abc'],
] as const;
const noise = (n: number) => {
  const next = random(7);
  return Uint8Array.from({ length: n }, () => Math.floor(next() * 256));
};

/** Elements of every kind, in numbers, sizes and places where readers go over them again. */
export const ELEMENTS: readonly Pattern[] = [
  pattern('empty', () => new Uint8Array(0)),
  pattern('Void elements', (n) => join(head(), repeat(n, hex('ec80')))),
  pattern('one long Void', (n) => join(head(), write(data(Mkv.Void, new Uint8Array(n))))),
  pattern('unknown elements', (n) => join(head(), write(times(n, () => data(unknownElementType(0x81), hex('00')))))),
  pattern('unknown elements of distinct ids', (n) =>
    join(head(), write(times(n, (i) => data(unknownElementType(0x10_00_00_00 + i), hex('00'))))),
  ),
  pattern('unknown elements that end like the id of a Cluster', (n) =>
    join(head(), hex('1f43b675ff e78100'), repeat(n, hex('82901f'))),
  ),
  pattern('CRC-32 elements', (n) => join(head(), repeat(n, hex('bf8400000000')))),
  pattern('EBML headers', (n) => repeat(n, write(ebmlHeader()))),
  pattern('Segments without anything', (n) => repeat(n, write(ebmlHeader(), unknownSize(master(Mkv.Segment))))),
  pattern('Segments behind each other', (n) => join(head(), repeat(n, hex('18538067 01ffffffffffffff')))),
  pattern('Clusters without anything', (n) => join(head(), repeat(n, hex('1f43b67580')))),
  pattern('Clusters of unknown size', (n) => join(head(), repeat(n, hex('1f43b675 01ffffffffffffff e78105')))),
  pattern('Clusters that claim 60 MiB, with 24 bytes each', (n) =>
    join(times(n, () => join(head(), claims60, hex('e78100'), repeat(3, hex('a38481000080')), new Uint8Array(3)))),
  ),
  pattern('Clusters that claim 60 MiB, within each other', (n) =>
    join(head(), repeat(n, join(claims60, hex('e78100')))),
  ),
  pattern('Blocks that claim 60 MiB', (n) => join(head(), repeat(n, hex('1f43b675ff e78100 a3 13c00000 810000')))),
  pattern('Clusters with two bytes before them that swallow a part of them', (n) =>
    join(head(), claims60.subarray(0, 4), hex('ff e78101'), repeat(n, hex('1a45 1f43b675 89 e78101 a38483000080'))),
  ),
  pattern('TrackEntries that claim 30 MiB, in Cues', (n) =>
    join(
      head(),
      repeat(
        n,
        hex('1c53bb6b 01000000000000c8 ae 0100000001e00000 1f43b675 94 e78101 a38f8100008000000002658800000001 06'),
      ),
    ),
  ),
  pattern('SimpleTags within each other, of unknown size', (n) =>
    join(head(), hex('1254c367ff7373ff'), repeat(n, hex('67c8ff'))),
  ),
  pattern('SimpleTags within each other, 60 deep', (n) => {
    let nested = master(Mkv.SimpleTag);
    for (let depth = 0; depth < 55; depth++) nested = master(Mkv.SimpleTag, nested);
    return join(head(), repeat(n, write(master(Mkv.Tags, master(Mkv.Tag, nested)))));
  }),
  ...SWALLOWED.flatMap(([name, master, id]) =>
    LIES.map(([size, field]) =>
      pattern(`${name}, each with an element that claims ${size}`, (n) => repeat(n, hex(`${master} ${id} ${field}`))),
    ),
  ),
  pattern('zeros', (n) => join(head(), new Uint8Array(n))),
  pattern('bytes of 255', (n) => join(head(), new Uint8Array(n).fill(255))),
  pattern('text', (n) => join(head(), repeat(n, ascii('Internal Server Error')))),
  pattern('noise', (n) => join(head(), noise(n))),
  pattern('noise alone', noise),
  pattern('marks of Clusters in noise', (n) => join(head(), hex('00'), repeat(n, hex('1f43b675 00')))),
  pattern('marks of documents in noise', (n) => join(head(), hex('00'), repeat(n, hex('1a45dfa3 00')))),
  pattern('beginnings of marks', (n) => join(head(), hex('00'), repeat(n, hex('1f43b61a45df')))),
  pattern('likely Clusters that are none', (n) => join(head(), hex('00'), repeat(n, hex('1f43b675 8f e78100 00')))),
  pattern('likely documents that are none', (n) => join(head(), hex('00'), repeat(n, hex('1a45dfa3 9f 428681 01 00')))),
  pattern('likely Clusters in a frame', (n) =>
    join(head(), write(cluster(0, simpleBlock(repeat(n, hex('1f43b675 88 e78100 a38481000080')))))),
  ),
  pattern('likely documents in a frame', (n) => join(head(), write(cluster(0, simpleBlock(repeat(n, head())))))),
  pattern('damage in every Cluster', (n) =>
    join(head(), repeat(n, join(write(cluster(1, simpleBlock(hex('01')))), hex('00000000')))),
  ),
  pattern('damage in every document', (n) =>
    repeat(n, join(head(), write(cluster(1, simpleBlock(hex('01')))), hex('00000000'))),
  ),
  pattern('documents that are cut off', (n) => repeat(n, join(head(), hex('1f43b675 a0 e78100 a3')))),
  pattern('one long frame', (n) => join(head(), write(cluster(0, simpleBlock(new Uint8Array(n)))))),
  pattern('Info again and again', (n) => join(head(), repeat(n, write(info())))),
  pattern('Tracks again and again', (n) => join(head(), repeat(n, write(tracks(trackEntry()))))),
  pattern('SeekHead of many entries', (n) =>
    segment(
      master(
        Mkv.SeekHead,
        times(n, (i) => master(Mkv.Seek, data(Mkv.SeekID, hex('1549a966')), uint(Mkv.SeekPosition, i))),
      ),
      info(),
      tracks(trackEntry()),
    ),
  ),
  pattern('many SeekHeads', (n) =>
    segment(
      times(n, () => master(Mkv.SeekHead)),
      info(),
      tracks(trackEntry()),
    ),
  ),
  pattern('Cues of many points', (n) =>
    join(head(), write(cluster(0, simpleBlock(hex('01'))), master(Mkv.Cues, times(n, cuePoint)))),
  ),
  pattern('Cues before Clusters', (n) =>
    segment(info(), tracks(trackEntry()), master(Mkv.Cues, times(n, cuePoint)), cluster(0)),
  ),
  pattern('many Cues', (n) => join(head(), write(times(n, (i) => master(Mkv.Cues, cuePoint(i)))))),
  pattern('Chapters', (n) =>
    join(
      head(),
      write(
        master(
          Mkv.Chapters,
          master(
            Mkv.EditionEntry,
            times(n, (i) => master(Mkv.ChapterAtom, uint(Mkv.ChapterUID, i + 1))),
          ),
        ),
      ),
    ),
  ),
  pattern('Attachments', (n) =>
    join(
      head(),
      write(
        master(
          Mkv.Attachments,
          times(n, () => master(Mkv.AttachedFile, text(Mkv.FileName, 'a'), data(Mkv.FileData, hex('01')))),
        ),
      ),
    ),
  ),
  pattern('Info of many titles', (n) =>
    segment(
      master(
        Mkv.Info,
        times(n, (i) => text(Mkv.Title, `${i}`)),
      ),
      tracks(trackEntry()),
      cluster(0),
    ),
  ),
];

function cuePoint(time: number) {
  return master(
    Mkv.CuePoint,
    uint(Mkv.CueTime, time),
    master(Mkv.CueTrackPositions, uint(Mkv.CueTrack, 1), uint(Mkv.CueClusterPosition, time)),
  );
}
