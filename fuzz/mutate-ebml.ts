import { type EbmlElementType, unknownElementType } from '../src/ebml/element-type.js';
import { writeHeader } from '../src/ebml/writer.js';
import { MKV_SCHEMA, Mkv } from '../src/mkv/elements.js';
import {
  cloneNode,
  dataNode,
  masterNode,
  type Place,
  parseTree,
  places,
  type TreeNode,
  writeTree,
} from './ebml-tree.js';
import type { Choices } from './input.js';
import { BOUNDARIES, bigEndian, mutateBytes, noise } from './mutate-bytes.js';

const TYPES = [...MKV_SCHEMA.values()];
const MASTERS = TYPES.filter(({ type }) => type === 'master');
const CHILDREN = new Map(MASTERS.map((master) => [master, TYPES.filter(({ parent }) => parent === master)]));

/** The ids of Matroska, and headers with sizes that lie. */
export const EBML_TOKENS: readonly Uint8Array[] = [
  ...TYPES.map((type) => writeHeader(type, 0).slice(0, -1)),
  ...[Mkv.Segment, Mkv.Cluster, Mkv.Tags].map((type) => writeHeader(type, undefined, { sizeLength: 8 })),
  writeHeader(Mkv.EBML, 5),
  Uint8Array.of(0x1f, 0x43, 0xb6, 0x75, 0x85, 0xe7),
];

const NAMES = [
  'FRAGMENT_NUMBER',
  'SERVER_TIMESTAMP',
  'SERVER_SIDE_TIMESTAMP',
  'PRODUCER_TIMESTAMP',
  'PRODUCER_SIDE_TIMESTAMP',
  'MILLIS_BEHIND_NOW',
  'CONTINUATION_TOKEN',
  'ERROR_CODE',
  'ERROR_ID',
  'EXCEPTION_ERROR_CODE',
  'EXCEPTION_MESSAGE',
].map((name) => `AWS_KINESISVIDEO_${name}`);
const TEXTS = [
  ...NAMES,
  ...['', '\0', 'matroska', 'webm', '-1', '1e999', '12345.6789', '9'.repeat(40), '0x10', 'NaN', '𝄞é\0x', '4506'],
  ...['V_MPEG4/ISO/AVC', 'V_MPEGH/ISO/HEVC', 'A_AAC', 'A_MS/ACM', 'V_VP9', 'V_AV1', 'A_OPUS', '__proto__'],
];

/** Data for an element: often right for its type, or at a boundary of it. */
function someData(type: EbmlElementType, c: Choices): Uint8Array {
  if (c.oneIn(6)) return noise(c, c.below(c.pick([1, 5, 12, 300])));
  switch (type.type) {
    case 'uinteger':
    case 'integer':
    case 'date': {
      const small = c.oneIn(2);
      return bigEndian(small ? BigInt(c.below(5)) : c.pick(BOUNDARIES), small ? c.pick([0, 1, 1, 2]) : c.below(10));
    }
    case 'float':
      return c.pick([new Uint8Array(4), noise(c, 4), noise(c, 8), Uint8Array.of(0x7f, 0xc0, 0, 0), new Uint8Array(3)]);
    case 'string':
    case 'utf-8':
      return new TextEncoder().encode(c.pick(TEXTS));
    default:
      return type === Mkv.SimpleBlock || type === Mkv.Block ? someBlock(c) : noise(c, c.below(c.pick([5, 20, 200])));
  }
}

/** A Block: header, and maybe lacing that fits or does not. */
function someBlock(c: Choices): Uint8Array {
  const head = [0x80 | c.pick([1, 1, 2, 0, 126]), c.below(256), c.below(256), c.below(256)];
  return Uint8Array.from([...head, c.below(c.pick([1, 3, 256])), ...noise(c, c.below(30))]);
}

function someNode(c: Choices, parent: EbmlElementType | undefined, depth = 0): TreeNode {
  const own = parent === undefined ? undefined : CHILDREN.get(parent);
  const likely = c.oneIn(8) || own === undefined || own.length === 0 ? TYPES : own;
  const type = c.oneIn(20) ? unknownElementType(c.pick([0x81, 0x93, 0x4fff, 0x2f0000, 0x1000ffff])) : c.pick(likely);
  if (type.type !== 'master') return dataNode(type, someData(type, c));
  const count = depth > 3 ? 0 : c.below(4);
  return masterNode(
    type,
    Array.from({ length: count }, () => someNode(c, type, depth + 1)),
  );
}

type TreeMutator = (place: Place, c: Choices, tree: TreeNode[], other: readonly Place[]) => void;

const MUTATORS: readonly TreeMutator[] = [
  function remove({ list, index }) {
    list.splice(index, 1);
  },
  function duplicate({ list, index, node }, c) {
    const large = places([node]).length > 20 || node.data.length > 200;
    const copies = Array.from({ length: large ? 1 : c.pick([1, 1, 2, 30]) }, () => cloneNode(node));
    list.splice(index, 0, ...copies);
  },
  function swap({ list, index, node }, c) {
    const with_ = c.below(list.length);
    const taken = list[with_];
    if (taken === undefined) return;
    list[with_] = node;
    list[index] = taken;
  },
  function move({ list, index, node }, c, tree) {
    list.splice(index, 1);
    const masters = places(tree).flatMap(({ node: { children } }) => (children === undefined ? [] : [children]));
    const to = c.oneIn(5) || masters.length === 0 ? tree : c.pick(masters);
    to.splice(c.below(to.length + 1), 0, node);
  },
  function insertNew({ list, index, parent }, c) {
    list.splice(index, 0, someNode(c, parent?.type));
  },
  function insertChild({ node }, c) {
    node.children?.splice(c.below(node.children.length + 1), 0, someNode(c, node.type));
  },
  function insertOther({ list, index }, c, _, other) {
    if (other.length > 0) list.splice(index, 0, cloneNode(c.pick(other).node));
  },
  function replaceByOther({ list, index, node }, c, _, other) {
    const same = other.filter(({ node: { type } }) => type === node.type);
    if (same.length > 0) list[index] = cloneNode(c.pick(same).node);
  },
  function newData({ node }, c) {
    if (node.children === undefined) node.data = someData(node.type, c);
  },
  function changeData({ node }, c) {
    if (node.children === undefined) node.data = mutateBytes(node.data, c, EBML_TOKENS, node.data);
  },
  function changeId({ node }, c) {
    node.type = c.oneIn(5) ? unknownElementType(c.below(0x7f) + 0x81) : c.pick(TYPES);
  },
  function lieAboutSize({ node }, c) {
    node.size = c.pick([
      0n,
      1n,
      BigInt(node.data.length + 1),
      BigInt(Math.max(0, node.data.length - 1)),
      ...BOUNDARIES,
    ]);
  },
  function unknownSize({ node }) {
    node.size = node.size === 'unknown' ? 'right' : 'unknown';
  },
  function rightSize({ node }) {
    node.size = 'right';
  },
  function changeWidth({ node }, c) {
    node.width = c.below(9);
  },
  function wrap({ list, index, node, parent }, c) {
    let wrapped = node;
    for (let times = c.pick([1, 1, 2, 70]); times > 0; times--) {
      wrapped = masterNode(times > 2 ? Mkv.SimpleTag : c.pick(MASTERS), [wrapped]);
      if (c.oneIn(6)) wrapped.size = 'unknown';
    }
    if (parent !== undefined && c.oneIn(3)) wrapped.type = parent.type;
    list[index] = wrapped;
  },
  function unwrap({ list, index, node }) {
    if (node.children !== undefined) list.splice(index, 1, ...node.children);
  },
  function checksum({ node }, c) {
    if (node.children === undefined) return;
    if (node.children[0]?.type === Mkv['CRC-32'] && c.oneIn(3)) node.fixCrc = !node.fixCrc;
    else node.children.unshift(dataNode(Mkv['CRC-32'], noise(c, c.oneIn(5) ? c.below(6) : 4)));
  },
];

/** Changes a Matroska stream element by element. Bytes that are no element are left as they are. */
export function mutateEbml(bytes: Uint8Array, c: Choices, other: Uint8Array): Uint8Array {
  const tree = parseTree(bytes);
  const otherPlaces = places(parseTree(other));
  for (let times = c.pick([1, 1, 2, 3, 6]); times > 0; times--) {
    const all = places(tree);
    if (all.length === 0) tree.push(someNode(c, undefined));
    else c.pick(MUTATORS)(c.pick(all), c, tree, otherPlaces);
  }
  return writeTree(tree);
}
