import type { EbmlElementType } from '../../../src/ebml/element-type.js';
import { MKV_SCHEMA, Mkv } from '../../../src/mkv/elements.js';
import { Choices } from '../../input.js';
import { bigEndian } from '../../mutate-bytes.js';
import {
  cluster,
  data,
  ebmlHeader,
  fragmentTags,
  hex,
  info,
  join,
  kvs,
  segment,
  simpleBlock,
  simpleTag,
  tags,
  times,
  trackEntry,
  tracks,
  trailingTags,
  write,
} from '../build.js';
import { type Pattern, pattern } from '../pattern.js';

/** What a pattern repeats: the bytes for the time `index`, always as many. */
type Part = (index: number) => Uint8Array;

const TYPES = [...MKV_SCHEMA.values()];
/** Those that readers do more about than pass them on. */
const TELLING: readonly EbmlElementType[] = [
  Mkv.EBML,
  Mkv.EBMLMaxIDLength,
  Mkv.DocType,
  Mkv.Segment,
  Mkv.SeekHead,
  Mkv.Info,
  Mkv.TimestampScale,
  Mkv.Tracks,
  Mkv.TrackEntry,
  Mkv.ContentEncodings,
  Mkv.Cluster,
  Mkv.Timestamp,
  Mkv.BlockGroup,
  Mkv.Block,
  Mkv.SimpleBlock,
  Mkv.Cues,
  Mkv.Tags,
  Mkv.Tag,
  Mkv.SimpleTag,
  Mkv.TagName,
  Mkv.Void,
  Mkv['CRC-32'],
];

/** Sizes in 8 bytes: right for what follows by chance alone. */
const SIZES = [
  0n,
  1n,
  7n,
  30n,
  200n,
  8192n,
  1n << 16n,
  1n << 20n,
  30n << 20n,
  1n << 40n,
  (1n << 52n) - 1n,
  (1n << 56n) - 1n,
];

/** A pattern that follows from a seed: a few pieces of Matroska, right or wrong, again and again, and perhaps others as often behind them. */
export function generatedPattern(seed: number): Pattern {
  const c = new Choices(seed);
  const begin = beginning(c);
  const parts = Array.from({ length: c.pick([1, 1, 2]) }, () => several(c));
  return pattern(`generated ${seed}`, (n) => join(begin, ...parts.map((part) => times(n, part))));
}

function beginning(c: Choices): Uint8Array {
  const head = segment(info(), tracks(trackEntry(), trackEntry({ number: 2, audio: true })));
  return c.pick([
    new Uint8Array(0),
    head,
    head,
    join(head, hex('1f43b675 01ffffffffffffff e78101')),
    join(head, hex('1f43b675 0100000000100000 e78101')),
    join(head, write(fragmentTags(1)), hex('1f43b675 ff e78101')),
  ]);
}

function several(c: Choices): Part {
  const parts = Array.from({ length: 1 + c.below(4) }, () => onePart(c));
  return (index) => join(parts.map((part) => part(index)));
}

function onePart(c: Choices): Part {
  return c.pick([header, header, header, element, element, block, block, raw, whole, tag, track])(c);
}

const someType = (c: Choices) => (c.oneIn(3) ? c.pick(TYPES) : c.pick(TELLING));

/** The header of an element, and nothing of it. */
function header(c: Choices): Part {
  const { id } = someType(c);
  const size = c.pick(SIZES);
  const bytes = join(idBytes(id), c.oneIn(4) ? hex('ff') : bigEndian((1n << 56n) | size, 8));
  return () => bytes;
}

/** A whole element of bytes that fit it or do not. */
function element(c: Choices): Part {
  const type = someType(c);
  const value = c.pick(['index', 'falling', 'zeros', 'ones', 'ids'] as const);
  const length = c.pick([0, 1, 4, 4, 8, 40]);
  const fixed = {
    index: undefined,
    falling: undefined,
    zeros: hex('00'),
    ones: hex('ff'),
    ids: hex('1f43b6751a45dfa3'),
  };
  const filling = fixed[value];
  return (index) => {
    if (filling === undefined) return write(data(type, bigEndian(BigInt(value === 'index' ? index : 1e9 - index), 4)));
    return write(
      data(
        type,
        Uint8Array.from({ length }, (_, i) => filling[i % filling.length] ?? 0),
      ),
    );
  };
}

function block(c: Choices): Part {
  const flags = c.pick([0x80, 0x00, 0x82, 0x84, 0x86]);
  const number = c.pick([1, 1, 2, 3, 'index'] as const);
  const time = c.pick(['same', 'rising', 'falling'] as const);
  const frame = c.pick([
    hex(''),
    hex('01'),
    hex('00000001 65 88'),
    hex('00000002 6588 00000001 06'),
    hex('ff ff ff 01'),
    hex('02 41 42 00'),
  ]);
  const from = c.pick([undefined, 0, 1]);
  return (index) => {
    const at = time === 'same' ? 0 : time === 'rising' ? index & 0x7fff : -index & 0x7fff;
    const one = simpleBlock(frame, at, number === 'index' ? 127 + (index % 16_000) : number, flags);
    return from === undefined ? write(one) : write(cluster(1 + from * (index % 200), one));
  };
}

/** Bytes that are no element, or the beginning of one. */
function raw(c: Choices): Part {
  const bytes = c.oneIn(2)
    ? Uint8Array.from({ length: 1 + c.below(6) }, () => c.below(256))
    : c.pick([
        hex('1f43b6'),
        hex('1f43b675'),
        hex('1a45dfa3'),
        hex('1a45'),
        hex('a3'),
        hex('00'),
        hex('ec'),
        hex('01ffffffffffff'),
      ]);
  return () => bytes;
}

/** What a stream has of a fragment, or all of it. */
function whole(c: Choices): Part {
  const numbers = c.pick(['same', 'rising'] as const);
  const what = c.pick(['document', 'head', 'tags', 'tokens', 'cluster'] as const);
  const bytes = (number: number) => {
    const media = write(cluster(1, simpleBlock(hex('0000000265 88'))));
    if (what === 'head') return write(ebmlHeader());
    if (what === 'tags') return write(fragmentTags(number));
    if (what === 'tokens') return write(trailingTags(number));
    if (what === 'cluster') return media;
    return join(segment(info(), tracks(trackEntry()), fragmentTags(number)), media, write(trailingTags(number)));
  };
  return (index) => bytes(100_000 + (numbers === 'same' ? 0 : index));
}

function tag(c: Choices): Part {
  const isService = c.oneIn(3);
  const one = isService
    ? kvs(c.pick(['FRAGMENT_NUMBER', 'ERROR_CODE', 'CONTINUATION_TOKEN', 'OTHER']), '123')
    : simpleTag('name', 'value');
  const isDistinct = c.oneIn(2) && !isService;
  return (index) => write(tags(isDistinct ? simpleTag(`name ${100_000 + index}`, 'value') : one));
}

function track(c: Choices): Part {
  const isDistinct = c.oneIn(2);
  const audio = c.oneIn(2);
  const isAlone = c.oneIn(2);
  return (index) => {
    const entry = trackEntry({ number: isDistinct ? 256 + (index % 60_000) : 1, audio });
    return write(isAlone ? entry : tracks(entry));
  };
}

function idBytes(id: number): Uint8Array {
  return bigEndian(BigInt(id), Math.ceil(id.toString(16).length / 2));
}
