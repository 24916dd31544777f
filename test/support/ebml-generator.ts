import fc from 'fast-check';
import { canDescendFrom, type EbmlElementType, unknownElementType } from '../../src/ebml/element-type.js';
import { sizeLength } from '../../src/ebml/vint.js';
import { concatBytes, writeHeader, writeMaster } from '../../src/ebml/writer.js';
import { MKV_SCHEMA, Mkv } from '../../src/mkv/elements.js';
import { writeCrcElement } from '../../src/testing/crc-element.js';
import { arbitraryData } from './bytes.js';
import { describeElement } from './events.js';

/** A document, or several behind each other, and what a reader has to find in it. */
export interface GeneratedDocuments {
  readonly bytes: Uint8Array;
  /** As `readEvents` describes elements, with the id of each. */
  readonly elements: readonly { readonly id: number; readonly line: string }[];
}

interface Node {
  readonly type: EbmlElementType;
  /** How many bytes the size field is longer than it has to be; cut to what 8 bytes allow. */
  readonly spare: number;
  readonly data: Uint8Array;
  readonly children: readonly Node[];
  /** Whether to begin with a CRC-32. */
  readonly crc: boolean;
  unknownSize: boolean;
}

const CHILDREN = new Map<EbmlElementType, EbmlElementType[]>();
for (const type of MKV_SCHEMA.values()) {
  if (type.parent === undefined) continue;
  const siblings = CHILDREN.get(type.parent) ?? [];
  siblings.push(type);
  CHILDREN.set(type.parent, siblings);
  if (type.recursive) CHILDREN.set(type, [...(CHILDREN.get(type) ?? []), type]);
}

const spare = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 8 }) },
);

function dataNode(type: EbmlElementType): fc.Arbitrary<Node> {
  return fc
    .record({ spare, data: arbitraryData() })
    .map((parts) => ({ ...parts, type, children: [], crc: false, unknownSize: false }));
}

/** Whether the id is that of a master, or one of three bytes and more, with a bit changed: that may be damage. */
function isNear(id: number): boolean {
  return Array.from({ length: 32 }, (_, bit) => (id ^ (1 << bit)) >>> 0).some(
    (other) => MKV_SCHEMA.get(other)?.type === 'master' || (other > 0xffff && MKV_SCHEMA.has(other)),
  );
}

const unknownNode = fc
  .oneof(
    fc.integer({ min: 0x81, max: 0xfe }),
    fc.integer({ min: 0x4080, max: 0x7ffe }),
    fc.integer({ min: 0x204000, max: 0x3ffffe }),
    fc.integer({ min: 0x10200000, max: 0x1ffffffe }),
  )
  .filter((id) => !MKV_SCHEMA.has(id) && !isNear(id))
  .chain((id) => dataNode(unknownElementType(id)));

function masterNode(type: EbmlElementType, depth: number): fc.Arbitrary<Node> {
  const types = CHILDREN.get(type) ?? [];
  const known = fc.constantFrom(...types).chain((child): fc.Arbitrary<Node> => {
    if (child.type !== 'master') return dataNode(child);
    return depth === 0 ? dataNode(Mkv.Void) : masterNode(child, depth - 1);
  });
  const child = fc.oneof(
    { weight: 8, arbitrary: types.length === 0 ? unknownNode : known },
    { weight: 1, arbitrary: dataNode(Mkv.Void) },
    { weight: 1, arbitrary: unknownNode },
  );
  return fc
    .record({
      spare,
      children: fc.array(child, { maxLength: 7 }),
      crc: fc.nat(3).map((n) => n === 0),
      // Practice has unknown sizes on Segments and Clusters; others are tolerated.
      unknownSize: fc.nat(type.unknownSizeAllowed ? 1 : 9).map((n) => n === 0),
    })
    .map((parts) => ({ ...parts, type, data: new Uint8Array(0) }));
}

/** EBML headers that say nothing this reader does not know. */
const headerNode = fc
  .record({ spare, crc: fc.boolean(), voids: fc.array(dataNode(Mkv.Void), { maxLength: 1 }), docType: fc.boolean() })
  .map((parts): Node => {
    const fixed = (type: EbmlElementType, ...data: number[]): Node => ({
      type,
      spare: 0,
      data: Uint8Array.from(data),
      children: [],
      crc: false,
      unknownSize: false,
    });
    const docType = parts.docType ? [fixed(Mkv.DocType, ...Buffer.from('webm'))] : [];
    const children = [fixed(Mkv.EBMLMaxIDLength), fixed(Mkv.EBMLMaxSizeLength, 0, 8), ...docType, ...parts.voids];
    return {
      type: Mkv.EBML,
      spare: parts.spare,
      crc: parts.crc,
      children,
      data: new Uint8Array(0),
      unknownSize: false,
    };
  });

/** An unknown size is possible only where what follows tells that the master has ended. */
function settleSizes(nodes: readonly Node[], after: EbmlElementType | 'end'): void {
  for (const [i, node] of nodes.entries()) {
    const next = nodes[i + 1]?.type ?? after;
    const ends =
      next === 'end' ||
      (next.name !== undefined && !next.global && next !== node.type && !canDescendFrom(next, node.type));
    const siblings = next === node.type && !node.type.recursive;
    if (node.unknownSize && !ends && !siblings) node.unknownSize = false;
    settleSizes(node.children, node.unknownSize ? next : 'end');
  }
}

function encode(node: Node): Uint8Array {
  const options = (size: number) => ({ sizeLength: Math.min(8, sizeLength(size) + node.spare) });
  if (node.type.type !== 'master') {
    const size = node.data.length;
    return concatBytes([writeHeader(node.type, size, options(size)), node.data]);
  }
  const content = concatBytes(node.children.map(encode));
  const checksum = node.crc ? [writeCrcElement(content)] : [];
  const size = content.length + (node.crc ? 6 : 0);
  return writeMaster(node.type, [...checksum, content], { ...options(size), unknownSize: node.unknownSize });
}

function list(node: Node, offset: number, path: readonly number[], out: { id: number; line: string }[]): number {
  const { id } = node.type;
  const whole = encode(node);
  const add = (kind: string, at: number, headerSize: number, dataSize: number | undefined, data?: Uint8Array) =>
    out.push({ id, line: describeElement({ kind, id, offset: at, headerSize, dataSize, path, data }) });
  if (node.type.type !== 'master') {
    add('data', offset, whole.length - node.data.length, node.data.length, node.data);
    return offset + whole.length;
  }
  const contentSize = node.children.reduce((size, child) => size + encode(child).length, 0) + (node.crc ? 6 : 0);
  const headerSize = whole.length - contentSize;
  add('start', offset, headerSize, node.unknownSize ? undefined : contentSize);
  let at = offset + headerSize;
  const inner = [...path, id];
  if (node.crc) {
    const crcId = Mkv['CRC-32'].id;
    const data = whole.subarray(headerSize + 2, headerSize + 6);
    const line = describeElement({
      kind: 'data',
      id: crcId,
      offset: at,
      headerSize: 2,
      dataSize: 4,
      path: inner,
      data,
    });
    out.push({ id: crcId, line });
    at += 6;
  }
  for (const child of node.children) at = list(child, at, inner, out);
  add('end', at, 0, 0);
  return at;
}

/**
 * Matroska documents behind each other: any element of the schema below its parent, unknown ids, Voids, CRC-32 elements that are right,
 * sizes of up to 8 bytes, unknown sizes, empty elements and elements of thousands of bytes. Repeated elements that should occur once are
 * among them, which is a warning.
 */
export function arbitraryDocuments(): fc.Arbitrary<GeneratedDocuments> {
  const document = fc
    .tuple(headerNode, fc.array(dataNode(Mkv.Void), { maxLength: 1 }), masterNode(Mkv.Segment, 4))
    .map(([header, voids, segment]) => [header, ...voids, segment]);
  return fc.array(document, { minLength: 1, maxLength: 3 }).map((documents) => {
    const nodes = documents.flat();
    settleSizes(nodes, 'end');
    const elements: { id: number; line: string }[] = [];
    let offset = 0;
    for (const node of nodes) offset = list(node, offset, [], elements);
    return { bytes: concatBytes(nodes.map(encode)), elements };
  });
}
