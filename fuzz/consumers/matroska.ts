import { crc32 } from 'node:zlib';

/**
 * A writer of Matroska for the fake service. It shares no code with the library and its own writers, so that a mistake of theirs is not
 * made twice.
 */

/** Ids of RFC 9559. */
export const Id = {
  EBML: '1a45dfa3',
  EBMLVersion: '4286',
  DocType: '4282',
  DocTypeVersion: '4287',
  Segment: '18538067',
  Info: '1549a966',
  TimestampScale: '2ad7b1',
  MuxingApp: '4d80',
  WritingApp: '5741',
  Tracks: '1654ae6b',
  TrackEntry: 'ae',
  TrackNumber: 'd7',
  TrackUID: '73c5',
  TrackType: '83',
  CodecID: '86',
  Name: '536e',
  Tags: '1254c367',
  Tag: '7373',
  SimpleTag: '67c8',
  TagName: '45a3',
  TagString: '4487',
  Cluster: '1f43b675',
  Timestamp: 'e7',
  SimpleBlock: 'a3',
  BlockGroup: 'a0',
  Block: 'a1',
  Void: 'ec',
  Crc32: 'bf',
} as const;

/** An element of known size; the size takes `width` bytes, or as few as it can. */
export function element(id: string, content: Buffer, width = 0): Buffer {
  return Buffer.concat([Buffer.from(id, 'hex'), sizeOf(content.length, width), content]);
}

/** The beginning of an element whose end is not told: id and the unknown size. */
export function openElement(id: string): Buffer {
  return Buffer.concat([Buffer.from(id, 'hex'), Buffer.from('01ffffffffffffff', 'hex')]);
}

/** A master of known size; with `crc` its first child is the CRC-32 of the others. */
export function master(id: string, children: readonly Buffer[], crc = false, width = 0): Buffer {
  const content = Buffer.concat(children);
  if (!crc) return element(id, content, width);
  const sum = Buffer.alloc(4);
  sum.writeUInt32LE(crc32(content));
  return element(id, Buffer.concat([element(Id.Crc32, sum), content]), width);
}

export function unsigned(id: string, value: number | bigint): Buffer {
  const digits = value.toString(16);
  return element(id, Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex'));
}

export function text(id: string, value: string): Buffer {
  return element(id, Buffer.from(value, 'utf8'));
}

export function simpleTag(name: string, value: string): Buffer {
  return master(Id.SimpleTag, [text(Id.TagName, name), text(Id.TagString, value)]);
}

/** A Tags element with one Tag for all. */
export function tags(pairs: readonly (readonly [string, string])[]): Buffer {
  return master(Id.Tags, [
    master(
      Id.Tag,
      pairs.map(([name, value]) => simpleTag(name, value)),
    ),
  ]);
}

/** The EBML header of a document. */
export function header(): Buffer {
  return master(Id.EBML, [unsigned(Id.EBMLVersion, 1), text(Id.DocType, 'matroska'), unsigned(Id.DocTypeVersion, 4)]);
}

/** How the frames of a Block lie in it. */
export type Lacing = 'none' | 'xiph' | 'fixed' | 'ebml';

/** The content of a SimpleBlock or Block. */
export function block(track: number, relative: number, keyframe: boolean, frames: readonly Buffer[], lacing: Lacing) {
  const head = Buffer.alloc(4);
  head[0] = 0x80 | track;
  head.writeInt16BE(relative, 1);
  const kinds = { none: 0, xiph: 1, fixed: 2, ebml: 3 };
  head[3] = (keyframe ? 0x80 : 0) | (kinds[lacing] << 1);
  if (lacing === 'none') return Buffer.concat([head, ...frames]);
  const count = Buffer.of(frames.length - 1);
  const lengths = frames.map(({ length }) => length);
  if (lacing === 'xiph') return Buffer.concat([head, count, ...lengths.slice(0, -1).map(xiphLength), ...frames]);
  if (lacing === 'ebml') return Buffer.concat([head, count, ...ebmlLengths(lengths.slice(0, -1)), ...frames]);
  return Buffer.concat([head, count, ...frames]);
}

function xiphLength(length: number): Buffer {
  return Buffer.concat([Buffer.alloc(Math.floor(length / 255), 255), Buffer.of(length % 255)]);
}

function ebmlLengths(lengths: readonly number[]): Buffer[] {
  return lengths.map((length, i) => {
    if (i === 0) return sizeOf(length, 0);
    // Two bytes hold differences from -8191 to 8191.
    const difference = length - (lengths[i - 1] ?? 0) + 8191;
    return Buffer.of(0x40 | (difference >> 8), difference & 255);
  });
}

function sizeOf(size: number, width: number): Buffer {
  let length = Math.max(1, width);
  while (size >= 2 ** (7 * length) - 1) length++;
  const bytes = Buffer.alloc(length);
  for (let i = length - 1, rest = size; i >= 0; i--, rest = Math.floor(rest / 256)) bytes[i] = rest % 256;
  bytes[0] = (bytes[0] ?? 0) | (0x80 >> (length - 1));
  return bytes;
}
