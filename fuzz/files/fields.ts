import type { EbmlElementType } from '../../src/ebml/element-type.js';
import { concatBytes } from '../../src/ebml/writer.js';
import { Mkv } from '../../src/mkv/elements.js';
import { dataNode, masterNode, type Place, places, type TreeNode } from '../ebml-tree.js';
import type { Choices } from '../input.js';
import { bigEndian, noise } from '../mutate-bytes.js';

/** Integers at which fields of known meaning go wrong: none, the largest of each width, what is negative when it is signed. */
const EXTREMES: readonly bigint[] = [
  ...[0n, 1n, 2n, 3n, 8n, 15n],
  ...[7, 8, 15, 16, 20, 24, 31, 32, 33, 40, 47, 52, 53, 62, 63, 64].flatMap((bits) => [
    (1n << BigInt(bits)) - 1n,
    1n << BigInt(bits),
  ]),
];

const FLOATS = [
  0,
  -0,
  -1,
  1,
  0.5,
  7350,
  8000,
  44_100,
  48_000.5,
  96_000,
  1e-300,
  1e300,
  Number.NaN,
  Infinity,
  -Infinity,
];

const CODECS = [
  ...['V_MPEG4/ISO/AVC', 'V_MPEG/ISO/AVC', 'V_MPEGH/ISO/HEVC', 'V_MJPEG', 'V_VP8', 'V_VP9', 'V_AV1', 'V_MS/VFW/FOURCC'],
  ...['A_AAC', 'A_AAC/MPEG4/LC', 'A_AAC/MPEG2/LC/SBR', 'A_MS/ACM', 'A_PCM/INT/LIT', 'A_OPUS', 'A_MPEG/L3', 'A_AC3'],
  ...['A_FLAC', 'A_VORBIS', 'S_TEXT/UTF8', '', 'x'],
];

const TEXTS = [
  '',
  '0',
  '-1',
  '1e400',
  '1.5',
  '9'.repeat(47),
  '9'.repeat(200),
  'NaN',
  'x',
  '\0',
  '\u202e\u009b',
  '1700000000.123',
];

const TAG_NAMES = [
  ...['FRAGMENT_NUMBER', 'SERVER_TIMESTAMP', 'PRODUCER_TIMESTAMP', 'MILLIS_BEHIND_NOW', 'CONTINUATION_TOKEN'],
  ...['ERROR_ID', 'ERROR_CODE', 'EXCEPTION_ERROR_CODE', 'EXCEPTION_MESSAGE', 'IMAGE_PREFIX'],
].map((name) => `AWS_KINESISVIDEO_${name}`);

const text = (value: string) => new TextEncoder().encode(value);

function float(value: number, c: Choices): Uint8Array {
  const bytes = new Uint8Array(c.pick([4, 8]));
  const view = new DataView(bytes.buffer);
  if (bytes.length === 4) view.setFloat32(0, value);
  else view.setFloat64(0, value);
  return bytes;
}

function integer(c: Choices): Uint8Array {
  const value = c.pick(EXTREMES);
  const least = Math.ceil(value.toString(16).length / 2);
  return bigEndian(value, c.oneIn(8) ? c.below(10) : Math.max(least, c.pick([1, 2, 4, 8])));
}

/** What an element of known meaning may say. */
function extreme(type: EbmlElementType, c: Choices): Uint8Array | undefined {
  switch (type.type) {
    case 'uinteger':
    case 'integer':
    case 'date':
      return integer(c);
    case 'float':
      return float(c.pick(FLOATS), c);
    case 'string':
    case 'utf-8':
      if (type === Mkv.CodecID) return text(c.pick(CODECS));
      return text(c.pick(type === Mkv.TagName ? TAG_NAMES : TEXTS));
    default:
      return undefined;
  }
}

type Change = (place: Place, c: Choices, others: readonly Place[]) => void;

/** Another value. */
const value: Change = ({ node }, c) => {
  node.data = extreme(node.type, c) ?? node.data;
};

/** A size that says more, less, nothing, or that it is not known. */
const size: Change = ({ node }, c) => {
  const length = BigInt(node.data.length);
  node.size = c.pick([
    ...[0n, 1n, length + 1n, length - 1n, length * 2n, 60n << 20n, 64n << 20n].filter((each) => each >= 0n),
    ...EXTREMES.filter((each) => each < 1n << 56n),
    'unknown' as const,
  ]);
};

/** CodecPrivate: none, half of it, that of another file, with counts and lengths that are wrong. */
const codecPrivate: Change = ({ node }, c, others) => {
  const same = others.filter((other) => other.node.type === Mkv.CodecPrivate);
  node.data = c.pick<() => Uint8Array>([
    () => new Uint8Array(0),
    () => node.data.slice(0, c.below(node.data.length + 1)),
    () => (same.length === 0 ? node.data : c.pick(same).node.data.slice()),
    () => withByte(node.data, c.below(Math.min(node.data.length, 30)), c.pick([0, 1, 0x1f, 0x3f, 0xe0, 0xff])),
    () => withByte(node.data, c.below(node.data.length), c.below(256)),
    () => concatBytes([node.data, node.data]),
    () => noise(c, c.below(60)),
  ])();
};

/** The head of a Block: its track, its time, its flags and lacing. */
const blockHead: Change = ({ node }, c) => {
  node.data = withByte(
    node.data,
    c.pick([0, 1, 2, 3, 3, 3]),
    c.pick([0, 1, 2, 4, 6, 0x80, 0x81, 0x82, 0x84, 0x86, 0xff]),
  );
};

/** The frames of a Block as laces, in one of the three ways, whose sizes are right or not. */
const lacing: Change = ({ node }, c) => {
  const head = node.data.slice(0, 4);
  const payload = node.data.slice(4);
  const kind = c.pick([1, 2, 3]);
  head[3] = ((head[3] ?? 0) & ~6) | (kind << 1);
  const laces = c.pick([1, 2, 3, 8, 256]);
  const each = Math.floor(payload.length / laces);
  const right = (length: number) => (c.oneIn(8) ? c.pick([0, 1, 254, 255, 256, 65_535]) : length);
  const sizes = Array.from({ length: kind === 2 ? 0 : laces - 1 }, (_, i) => {
    const length = right(each);
    if (kind === 1) return Uint8Array.of(...new Array<number>(Math.floor(length / 255)).fill(255), length % 255);
    if (i === 0) return Uint8Array.of(0x40 | ((length >> 8) & 0x3f), length & 255);
    return Uint8Array.of(c.oneIn(10) ? c.pick([0x80, 0xff, 0xc0, 0x40]) : 0xbf);
  });
  node.data = concatBytes([head, Uint8Array.of(laces - 1), ...sizes, payload]);
};

/** The frame itself: the length of its first NAL unit, start codes, ADTS headers, nothing at all. */
const frame: Change = ({ node }, c) => {
  const head = node.data.slice(0, 4);
  const payload = node.data.slice(4);
  node.data = concatBytes([
    head,
    c.pick<() => Uint8Array>([
      () => new Uint8Array(0),
      () => payload.slice(0, c.below(payload.length + 1)),
      () => concatBytes([Uint8Array.of(0, 0, 0, 1), payload.slice(4)]),
      () => concatBytes([Uint8Array.of(0, 0, 1), payload]),
      () => concatBytes([bigEndian(c.pick(EXTREMES) & 0xffffffffn, 4), payload.slice(4)]),
      () => concatBytes([Uint8Array.of(0xff, 0xf1, 0x50, 0x80, 0x02, 0x1f, 0xfc), payload]),
      () => concatBytes([payload, new Uint8Array(c.pick([1, 3, 40]))]),
      () => withByte(payload, c.below(Math.min(payload.length, 12)), c.below(256)),
    ])(),
  ]);
};

/** ContentEncodings in a TrackEntry: header stripping, and what is not undone here. */
const contentEncoding: Change = ({ node }, c) => {
  const settings = new Uint8Array(c.pick([0, 1, 4, 3000]));
  const compression = masterNode(Mkv.ContentCompression, [
    dataNode(Mkv.ContentCompAlgo, Uint8Array.of(c.pick([3, 3, 3, 0, 1, 2, 9]))),
    dataNode(Mkv.ContentCompSettings, settings),
  ]);
  const encoding = (order: number) =>
    masterNode(Mkv.ContentEncoding, [
      dataNode(Mkv.ContentEncodingOrder, Uint8Array.of(order)),
      dataNode(Mkv.ContentEncodingScope, Uint8Array.of(c.pick([1, 1, 2, 3, 0]))),
      c.oneIn(6) ? masterNode(Mkv.ContentEncryption, []) : compression,
    ]);
  const count = c.pick([1, 1, 2, 40]);
  node.children?.push(
    masterNode(
      Mkv.ContentEncodings,
      Array.from({ length: count }, (_, i) => encoding(i)),
    ),
  );
};

/** The children in another order: Clusters behind each other, Tracks behind Clusters, Blocks whose times fall. */
const order: Change = ({ node }, c) => {
  if (c.oneIn(2)) node.children?.reverse();
  else if (node.children !== undefined)
    node.children.push(...node.children.splice(c.below(node.children.length + 1), 1));
};

const remove: Change = ({ list, index }) => {
  list.splice(index, 1);
};

const again: Change = ({ list, index, node }, c) => {
  list.splice(index, 0, ...Array.from({ length: c.pick([1, 2, 20]) }, () => node));
};

function changesOf({ type, children }: TreeNode): readonly Change[] {
  if (type === Mkv.SimpleBlock || type === Mkv.Block) return [blockHead, lacing, frame, size];
  if (type === Mkv.CodecPrivate) return [codecPrivate];
  if (type === Mkv.TrackEntry) return [contentEncoding, order, remove, again];
  if (children !== undefined) return [order, remove, again, size];
  return [value, value, value, size, remove];
}

function withByte(bytes: Uint8Array, at: number, byte: number): Uint8Array {
  const changed = bytes.slice();
  if (at < changed.length) changed[at] = byte;
  return changed;
}

/**
 * Changes a field of known meaning. Kinds of elements are equally likely, so that the few that describe the stream are changed as often as
 * the many Blocks.
 */
export function changeField(tree: TreeNode[], c: Choices, others: readonly Place[]): void {
  const all = places(tree).filter(({ node }) => !node.raw);
  if (all.length === 0) return;
  const { type } = c.pick([...new Map(all.map(({ node }) => [node.type.id, node])).values()]);
  const place = c.pick(all.filter(({ node }) => node.type === type));
  c.pick(changesOf(place.node))(place, c, others);
}
