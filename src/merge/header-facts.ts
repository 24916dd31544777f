import { sameBytes } from '../ebml/bytes.js';
import type { EbmlElementType } from '../ebml/element-type.js';
import type { MkvDataElement, MkvStartMasterElement } from '../mkv/element.js';
import { Mkv } from '../mkv/elements.js';
import { type GatheredElement, onePerKind } from './gathered-element.js';
import { integerOf } from './integer-of.js';
import { strictElements } from './strict-form.js';

/** TimestampScale where a document does not say it, in nanoseconds. */
export const DEFAULT_SCALE = Number(Mkv.TimestampScale.defaultValue);

/** One element below a master that is compared. */
export interface Compared {
  readonly type: EbmlElementType;
  readonly depth: number;
  /** `undefined` for a master. */
  readonly data: Uint8Array | undefined;
}

/** What the packing of Clusters needs to know of a track. */
export interface TrackTimes {
  /** TrackNumber. */
  number: number | undefined;
  /** TrackType: 1 is video. */
  type: number | undefined;
  /** DefaultDuration in nanoseconds. */
  defaultDuration: number | undefined;
}

/** What the elements before the first Cluster of a document tell. */
export interface HeaderFacts {
  /** What stands below each of the masters that are compared, in order; CRC-32 and Void aside. */
  readonly compared: ReadonlyMap<EbmlElementType, Compared[]>;
  readonly tracks: readonly TrackTimes[];
  /** In nanoseconds; `undefined` when there is no Info, or it says what is no number. */
  readonly timestampScale: number | undefined;
}

/** The facts of a header, whose masters must be of the types `mergeOn` to be compared. */
export function factsOf(elements: readonly GatheredElement[], mergeOn: ReadonlySet<EbmlElementType>): HeaderFacts {
  const compared = new Map<EbmlElementType, Compared[]>();
  const tracks: TrackTimes[] = [];
  for (const gathered of onePerKind(elements)) {
    for (const element of strictElements(gathered.elements)) {
      if (element.parent === undefined) continue;
      noteTrack(element, element.parent, tracks);
      if (!element.is(Mkv.Void) && !element.is(Mkv['CRC-32'])) compare(element, mergeOn, compared);
    }
  }
  return { compared, tracks, timestampScale: timestampScaleOf(elements) };
}

/** TimestampScale alone. */
export function timestampScaleOf(elements: readonly GatheredElement[]): number | undefined {
  let scale: number | undefined;
  for (const gathered of elements) {
    for (const element of gathered.elements) {
      if (element.parent === undefined) continue;
      if (element.type === Mkv.Info) scale ??= DEFAULT_SCALE;
      else if (element.type === Mkv.TimestampScale && element.kind === 'data') scale = integerOf(element) ?? scale;
    }
  }
  return scale;
}

function noteTrack(
  element: MkvStartMasterElement | MkvDataElement,
  parent: MkvStartMasterElement,
  tracks: TrackTimes[],
): void {
  if (element.kind === 'start') {
    if (element.type === Mkv.TrackEntry)
      tracks.push({ number: undefined, type: undefined, defaultDuration: undefined });
    return;
  }
  const track = tracks.at(-1);
  if (parent.type !== Mkv.TrackEntry || track === undefined) return;
  if (element.is(Mkv.TrackNumber)) track.number = integerOf(element);
  else if (element.is(Mkv.TrackType)) track.type = integerOf(element);
  else if (element.is(Mkv.DefaultDuration)) track.defaultDuration = integerOf(element);
}

function compare(
  element: MkvStartMasterElement | MkvDataElement,
  mergeOn: ReadonlySet<EbmlElementType>,
  lists: Map<EbmlElementType, Compared[]>,
): void {
  for (let master = element.parent; master !== undefined; master = master.parent) {
    if (!mergeOn.has(master.type)) continue;
    let compared = lists.get(master.type);
    if (compared === undefined) {
      compared = [];
      lists.set(master.type, compared);
    }
    const data = element.kind === 'data' ? element.data : undefined;
    compared.push({ type: element.type, depth: depthBelow(element, master), data });
  }
}

function depthBelow(element: MkvStartMasterElement | MkvDataElement, master: MkvStartMasterElement): number {
  let depth = 0;
  for (let parent = element.parent; parent !== undefined && parent !== master; parent = parent.parent) depth++;
  return depth;
}

/** The first element that is not the same in both lists, or that only one of them has. */
export function firstDifference(ours: readonly Compared[], theirs: readonly Compared[]): EbmlElementType | undefined {
  for (let i = 0; i < Math.max(ours.length, theirs.length); i++) {
    const a = ours[i];
    const b = theirs[i];
    if (a === undefined || b === undefined) return a?.type ?? b?.type;
    if (a.type.id !== b.type.id || a.depth !== b.depth || !sameData(a.data, b.data)) return b.type;
  }
  return undefined;
}

function sameData(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : sameBytes(a, b);
}
