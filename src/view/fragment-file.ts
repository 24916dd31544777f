import { concatBytes, writeHeader } from '../ebml/writer.js';
import { Mkv } from '../mkv/elements.js';
import type { ByteSource } from './byte-source.js';
import type { ElementIndex, IndexedElement } from './element-index.js';
import type { FragmentList } from './fragment-list.js';
import type { FragmentRecord, SavedFile } from './protocol.js';

/** What a fragment has in a Segment of its own. Positions and times of the whole are not among it. */
const CONTENT: readonly unknown[] = [Mkv.Tags, Mkv.Cluster];
const DESCRIPTION: readonly unknown[] = [Mkv.Info, Mkv.Tracks];

/** A fragment as a Matroska document: its own where it is one, else one with what describes it where it stands. */
export async function fragmentFile(
  fragment: FragmentRecord,
  fragments: FragmentList,
  index: ElementIndex,
  source: ByteSource,
): Promise<SavedFile> {
  const { offset, size, fragmentNumber } = fragment;
  const number = fragmentNumber !== undefined && /^\d{1,128}$/.test(fragmentNumber) ? fragmentNumber : undefined;
  const name = `${number ?? `fragment-${fragment.index}`}.mkv`;
  const read = async (from: number, length: number) => {
    const bytes = await source.read(from, length);
    if (bytes.length < length) throw new Error('the bytes of the fragment are no longer held');
    return bytes;
  };
  const segment = segmentOf(fragment, index);
  const next = fragments.get(fragment.index + 1);
  const isWhole = isOutermost(fragment, index) && (next === undefined || isOutermost(next, index));
  if (isWhole || segment === undefined) return { name, type: 'video/x-matroska', bytes: await read(offset, size) };
  const parts: Uint8Array[] = [];
  const header = headerBefore(segment, index);
  if (header !== undefined) parts.push(await read(header.offset, header.headerSize + header.dataSize));
  parts.push(writeHeader(Mkv.Segment, undefined));
  for (const element of index.children(segment.element)) {
    const child = index.get(element);
    if (child === undefined || child.offset >= offset + size) break;
    const isDescription = DESCRIPTION.includes(child.type);
    if (!isDescription && !(CONTENT.includes(child.type) && child.offset >= offset)) continue;
    const end = Math.min(
      child.offset + child.headerSize + child.dataSize,
      isDescription ? Number.POSITIVE_INFINITY : offset + size,
    );
    parts.push(await read(child.offset, end - child.offset));
  }
  return { name, type: 'video/x-matroska', bytes: concatBytes(parts) };
}

function isOutermost({ element }: FragmentRecord, index: ElementIndex): boolean {
  return element !== undefined && index.get(element)?.level === 0;
}

/** The Segment that a fragment stands in, or begins with. */
function segmentOf({ element, offset, size }: FragmentRecord, index: ElementIndex): IndexedElement | undefined {
  if (element === undefined) return undefined;
  for (let at: number | undefined = element; at !== undefined; at = index.get(at)?.parent) {
    const found = index.get(at);
    if (found?.type === Mkv.Segment) return found;
  }
  for (let at = element; at < index.end; at++) {
    const found = index.get(at);
    if (found === undefined || found.offset >= offset + size) return undefined;
    if (found.type === Mkv.Segment) return found;
  }
  return undefined;
}

/** The EBML header that stands before a Segment. */
function headerBefore({ element }: IndexedElement, index: ElementIndex): IndexedElement | undefined {
  for (let at = element - 1; at >= index.first; at--) {
    const found = index.get(at);
    if (found?.type === Mkv.EBML) return found;
    if (found?.type === Mkv.Segment) return undefined;
  }
  return undefined;
}
