import { lowerBound } from '../lower-bound.js';
import type { TimeView } from './time-scale.js';

/** A fragment as a time axis shows it. Times are in milliseconds, of the producer's clock or of the stream. */
export interface AxisFragment {
  readonly from: number;
  readonly to: number;
  readonly bytes: number;
  /** How far it begins behind the end of the one before; negative where they overlap, `undefined` where it follows. */
  readonly gap: number | undefined;
  /** When the service had it, by its clock; `undefined` where it does not say. */
  readonly arrival: number | undefined;
  /** How far behind the newest media it was when it was sent, in milliseconds. */
  readonly behind: number | undefined;
  /** What the service says instead of going on. */
  readonly error: string | undefined;
  /** Whether bytes of it are damaged or missing. */
  readonly damaged: boolean;
  readonly tags: readonly AxisTag[];
}

/** A tag of a producer. */
export interface AxisTag {
  readonly name: string;
  readonly value: string;
}

/** A time that no fragment covers, or that two cover. */
export interface Break {
  readonly kind: 'gap' | 'overlap';
  readonly from: number;
  readonly to: number;
}

/** One run of fragments in which a tag keeps its value, or a single mark. */
export interface LaneItem {
  readonly from: number;
  readonly to: number;
  readonly value: string;
  /** Whether consecutive fragments carry it, as a persistent tag does. */
  readonly lasts: boolean;
  /** Which of the lane's rows it is in: values that hold at the same time are beside each other. */
  readonly row: number;
}

/** The tags of one name. */
export interface Lane {
  readonly name: string;
  readonly items: readonly LaneItem[];
  /** How many rows its items take. */
  readonly rows: number;
}

/** The gaps and overlaps between fragments that follow each other in the stream. */
export function breaksOf(fragments: readonly Pick<AxisFragment, 'from' | 'to' | 'gap'>[]): Break[] {
  return fragments.flatMap(({ from, to, gap = 0 }): Break[] => {
    if (gap > 0) return [{ kind: 'gap', from: from - gap, to: from }];
    return gap < 0 ? [{ kind: 'overlap', from, to: Math.min(from - gap, Math.max(to, from)) }] : [];
  });
}

/** Fragments that overlap by less than this, in milliseconds, follow each other: a track of sound ends a little later than one of video. */
const TOLERANCE = 50;

/** The most lanes; the names with most tags come first, the other names share the last one. */
const MOST_LANES = 8;

/** The tags as lanes: a bar where fragments in a row say the same, a mark where one alone says it. */
export function lanesOf(fragments: readonly Pick<AxisFragment, 'from' | 'to' | 'tags'>[]): Lane[] {
  interface Run {
    from: number;
    to: number;
    value: string;
    first: number;
    last: number;
  }
  const done = new Map<string, LaneItem[]>();
  const open = new Map<string, Map<string, Run>>();
  const close = (name: string, { from, to, value, first, last }: Run) => {
    const items = done.get(name) ?? [];
    if (items.length === 0) done.set(name, items);
    items.push({ from, to, value, lasts: last > first, row: 0 });
  };
  fragments.forEach(({ from, to, tags }, index) => {
    if (!Number.isFinite(from)) return;
    for (const { name, value } of tags) {
      const runs = open.get(name) ?? new Map<string, Run>();
      if (runs.size === 0) open.set(name, runs);
      const run = runs.get(value);
      if (run !== undefined && run.last >= index - 1 && from >= run.from) {
        run.last = index;
        run.to = Math.max(run.to, to);
        continue;
      }
      if (run !== undefined) close(name, run);
      runs.set(value, { from, to, value, first: index, last: index });
      // Values that have ended long ago need not be kept open.
      if (runs.size > 64) {
        for (const [other, each] of runs) {
          if (each.last >= index - 1) continue;
          close(name, each);
          runs.delete(other);
        }
      }
    }
  });
  for (const [name, runs] of open) for (const run of runs.values()) close(name, run);
  const lanes = [...done].map(([name, items]) => stacked(name, items));
  lanes.sort((a, b) => b.items.length - a.items.length);
  if (lanes.length <= MOST_LANES) return lanes;
  const rest = lanes.slice(MOST_LANES - 1);
  const items = rest.flatMap(({ name, items: own }) =>
    own.map((item) => ({ ...item, value: `${name}: ${item.value}` })),
  );
  return [...lanes.slice(0, MOST_LANES - 1), stacked(`${rest.length} other names`, items)];
}

/** Rows of a lane at the most: what overlaps more often is drawn over what is there. */
const MOST_ROWS = 3;

function stacked(name: string, items: readonly LaneItem[]): Lane {
  const ends: number[] = [];
  const placed = [...items]
    .sort((a, b) => a.from - b.from)
    .map((item) => {
      const free = ends.findIndex((end) => end <= item.from + TOLERANCE);
      const row = free >= 0 ? free : Math.min(ends.length, MOST_ROWS - 1);
      ends[row] = Math.max(item.to, item.from);
      return { ...item, row };
    });
  return { name, items: placed, rows: Math.max(1, ends.length) };
}

/** Intervals by their beginning, so that those in sight are found without looking at all. */
export class Intervals {
  /** Indexes of the intervals, by their beginning. */
  readonly order: Uint32Array;
  readonly #from: Float64Array;
  /** The latest end of all intervals up to here. */
  readonly #reach: Float64Array;

  constructor(all: readonly { readonly from: number; readonly to: number }[]) {
    const known = all.map((_, index) => index).filter((index) => Number.isFinite(all[index]!.from));
    known.sort((a, b) => all[a]!.from - all[b]!.from);
    this.order = Uint32Array.from(known);
    this.#from = Float64Array.from(known, (index) => all[index]!.from);
    this.#reach = new Float64Array(known.length);
    let reach = Number.NEGATIVE_INFINITY;
    known.forEach((index, at) => {
      reach = Math.max(reach, all[index]!.to);
      this.#reach[at] = reach;
    });
  }

  /** The range of places in `order` outside of which no interval is in sight. */
  within({ from, to }: TimeView): [number, number] {
    return [lowerBound(this.#reach, from), lowerBound(this.#from, to)];
  }
}
