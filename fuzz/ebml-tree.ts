import { crc32 } from '../src/ebml/crc32.js';
import { canDescendFrom, type EbmlElementType, unknownElementType } from '../src/ebml/element-type.js';
import { concatBytes } from '../src/ebml/writer.js';
import { MKV_SCHEMA, Mkv } from '../src/mkv/elements.js';

/** An element that can be changed and written again. */
export interface TreeNode {
  type: EbmlElementType;
  /** Width of the size field in bytes, widened when the size needs it; 0: as short as can be. */
  width: number;
  /** The size written: that of the content, the unknown one, or another. */
  size: 'right' | 'unknown' | bigint;
  /** Of a master. */
  children: TreeNode[] | undefined;
  /** Of a data element; of bytes that are no element, all of them, and then `raw` is set. */
  data: Uint8Array;
  raw: boolean;
  /** Write the CRC-32 that is its first child anew. */
  fixCrc: boolean;
}

export function dataNode(type: EbmlElementType, data: Uint8Array): TreeNode {
  return { type, width: 0, size: 'right', children: undefined, data, raw: false, fixCrc: false };
}

export function masterNode(type: EbmlElementType, children: TreeNode[]): TreeNode {
  return { type, width: 0, size: 'right', children, data: new Uint8Array(0), raw: false, fixCrc: true };
}

function rawNode(data: Uint8Array): TreeNode {
  return { ...dataNode(Mkv.Void, data), raw: true };
}

/**
 * Reads bytes as far as they are elements; the rest of a master that is none becomes a node of bytes. A reader of its own, for it has to
 * take everything.
 */
export function parseTree(bytes: Uint8Array): TreeNode[] {
  return parseChildren(bytes, 0, bytes.length, undefined, 0).nodes;
}

function parseChildren(
  bytes: Uint8Array,
  start: number,
  end: number,
  unknownSized: EbmlElementType | undefined,
  depth: number,
): { nodes: TreeNode[]; at: number } {
  const nodes: TreeNode[] = [];
  let at = start;
  while (at < end) {
    const header = parseHeader(bytes, at, end);
    if (header === undefined || depth > 100) {
      nodes.push(rawNode(bytes.slice(at, end)));
      return { nodes, at: end };
    }
    const { type, size, headerSize, width } = header;
    if (unknownSized !== undefined && type.level >= 0 && !canDescendFrom(type, unknownSized)) break;
    const from = at + headerSize;
    const to = size === undefined ? end : Math.min(end, from + size);
    const fits = size !== undefined && from + size <= end;
    const stored = size === undefined ? ('unknown' as const) : fits ? ('right' as const) : BigInt(size);
    if (type.type === 'master') {
      const inner = parseChildren(bytes, from, to, size === undefined ? type : undefined, depth + 1);
      nodes.push({ ...masterNode(type, inner.nodes), width, size: stored });
      at = size === undefined ? inner.at : to;
    } else {
      nodes.push({ ...dataNode(type, bytes.slice(from, to)), width, size: stored });
      at = to;
    }
  }
  return { nodes, at };
}

function parseHeader(bytes: Uint8Array, at: number, end: number) {
  const idLength = Math.clz32(bytes[at] ?? 0) - 23;
  const width = Math.clz32(bytes[at + idLength] ?? 0) - 23;
  if (idLength > 4 || width > 8 || at + idLength + width > end) return undefined;
  let id = 0;
  for (let i = 0; i < idLength; i++) id = id * 256 + (bytes[at + i] ?? 0);
  let size = (bytes[at + idLength] ?? 0) & (0xff >>> width);
  for (let i = 1; i < width; i++) size = size * 256 + (bytes[at + idLength + i] ?? 0);
  const unknown = size >= 2 ** (7 * width) - 1;
  const type = MKV_SCHEMA.get(id) ?? unknownElementType(id);
  return { type, size: unknown ? undefined : size, headerSize: idLength + width, width };
}

/** The bytes of nodes behind each other. */
export function writeTree(nodes: readonly TreeNode[]): Uint8Array {
  return concatBytes(nodes.map(writeNode));
}

function writeNode(node: TreeNode): Uint8Array {
  if (node.raw) return node.data;
  let content = node.data;
  if (node.children !== undefined) {
    const [first, ...others] = node.children;
    const rest = writeTree(others);
    if (node.fixCrc && first?.type === Mkv['CRC-32'] && first.data.length === 4) {
      new DataView(first.data.buffer, first.data.byteOffset).setUint32(0, crc32(rest), true);
    }
    content = first === undefined ? rest : concatBytes([writeNode(first), rest]);
  }
  const size = node.size === 'right' ? BigInt(content.length) : node.size;
  return concatBytes([idBytes(node.type.id), sizeBytes(size, node.width), content]);
}

function idBytes(id: number): Uint8Array {
  const digits = id.toString(16);
  return Uint8Array.from((digits.padStart(digits.length + (digits.length % 2), '0').match(/../g) ?? []).map(fromHex));
}

function fromHex(digits: string): number {
  return Number.parseInt(digits, 16);
}

function sizeBytes(size: 'unknown' | bigint, width: number): Uint8Array {
  let length = Math.max(1, width);
  if (size === 'unknown') {
    const bytes = new Uint8Array(length).fill(0xff);
    bytes[0] = 0xff >>> (length - 1);
    return bytes;
  }
  while (length < 8 && size >= (1n << BigInt(7 * length)) - 1n) length++;
  const bytes = new Uint8Array(length);
  for (let i = 0, rest = size; i < length; i++, rest >>= 8n) bytes[length - 1 - i] = Number(rest & 0xffn);
  bytes[0] = ((bytes[0] ?? 0) & (0xff >>> length)) | (0x80 >>> (length - 1));
  return bytes;
}

/** A node with the list that holds it. */
export interface Place {
  readonly list: TreeNode[];
  readonly index: number;
  readonly node: TreeNode;
  readonly parent: TreeNode | undefined;
}

/** All nodes, in document order. */
export function places(nodes: TreeNode[], parent?: TreeNode, found: Place[] = []): Place[] {
  nodes.forEach((node, index) => {
    found.push({ list: nodes, index, node, parent });
    if (node.children !== undefined) places(node.children, node, found);
  });
  return found;
}

/** A copy that shares nothing with the original. */
export function cloneNode(node: TreeNode): TreeNode {
  return { ...node, data: node.data.slice(), children: node.children?.map(cloneNode) };
}
