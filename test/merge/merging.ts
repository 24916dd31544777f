import { createHash } from 'node:crypto';
import { concatBytes } from '../../src/ebml/writer.js';
import {
  type Block,
  Mkv,
  type MkvElement,
  type NewDocument,
  OutputSegmentMerger,
  type OutputSegmentMergerOptions,
} from '../../src/index.js';
import { readChunks } from '../support/read-all.js';

/** What merging gave. */
export interface Merged {
  readonly bytes: Uint8Array;
  readonly merger: OutputSegmentMerger;
  /** What `onNewDocument` was told. */
  readonly newDocuments: readonly NewDocument[];
}

/** Merges a stream, given in chunks or whole. */
export function merge(input: Uint8Array | Iterable<Uint8Array>, options: OutputSegmentMergerOptions = {}): Merged {
  const parts: Uint8Array[] = [];
  const newDocuments: NewDocument[] = [];
  const merger = new OutputSegmentMerger((bytes) => void parts.push(bytes), {
    ...options,
    onNewDocument: (document) => newDocuments.push(document),
  });
  for (const element of readChunks(input instanceof Uint8Array ? [input] : input)) {
    if (merger.isDone()) break;
    element.accept(merger);
  }
  return { bytes: concatBytes(parts), merger, newDocuments };
}

/** How many elements of each name. */
export function countElements(bytes: Uint8Array): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const element of readChunks([bytes])) {
    if (element.kind === 'end') continue;
    const { name = 'unknown' } = element.type;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

/** Reads everything and checks every CRC-32; throws when something is wrong. Elements that occur too often are let pass. */
export function checkAll(bytes: Uint8Array): number {
  let crcs = 0;
  const whole = [bytes];
  for (const element of readChunks(whole, { verifyCrc: true })) if (element.is(Mkv['CRC-32'])) crcs++;
  for (const element of readChunks(whole)) {
    if (element.kind === 'end' && element.truncated) throw new Error(`${element.type.name} is not whole`);
  }
  return crcs;
}

/** A frame as a Block holds it, with the absolute time of its Block in ticks. */
export interface PlainFrame {
  readonly track: number;
  readonly time: bigint;
  readonly keyframe: boolean;
  readonly hash: string;
}

/** The frames of each document, by nothing but the elements; a BlockGroup that is cut off has none. */
export function framesOf(bytes: Uint8Array): PlainFrame[][] {
  const documents: PlainFrame[][] = [];
  let time = 0n;
  let group: { frames: PlainFrame[]; referenced: boolean } | undefined;
  for (const element of readChunks([bytes])) {
    if (element.kind === 'start' && element.is(Mkv.Segment)) documents.push([]);
    const frames = documents.at(-1);
    if (frames === undefined) continue;
    if (element.kind === 'start' && element.type === Mkv.BlockGroup) group = { frames: [], referenced: false };
    if (element.kind === 'end' && element.type === Mkv.BlockGroup) {
      const keyframe = group?.referenced !== true;
      if (!element.truncated) frames.push(...(group?.frames ?? []).map((frame) => ({ ...frame, keyframe })));
      group = undefined;
    }
    if (element.kind !== 'data') continue;
    if (element.is(Mkv.Timestamp)) time = element.bigintValue;
    else if (element.is(Mkv.ReferenceBlock) && group !== undefined) group.referenced = true;
    else if (element.is(Mkv.SimpleBlock)) frames.push(...blockFrames(element.value, time));
    else if (element.is(Mkv.Block)) (group?.frames ?? frames).push(...blockFrames(element.value, time));
  }
  return documents;
}

function blockFrames(block: Block, clusterTime: bigint): PlainFrame[] {
  return block.frames.map((frame) => ({
    track: block.trackNumber,
    time: clusterTime + BigInt(block.relativeTimestamp),
    keyframe: block.keyframe,
    hash: createHash('sha256').update(frame).digest('hex'),
  }));
}

/** The elements of a kind, without their data. */
export function outline(bytes: Uint8Array): string[] {
  return [...readChunks([bytes])].filter((element) => element.kind !== 'end').map(outlineOf);
}

function outlineOf(element: MkvElement): string {
  return `${element.offset} ${element.type.name} ${element.headerSize} ${element.dataSize}`;
}
