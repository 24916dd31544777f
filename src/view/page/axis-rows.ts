import type { AxisFragment, Break, Intervals, Lane } from './axis-model.js';
import { visibleText } from './visible-text.js';

/** All that a time axis shows. Times are in milliseconds. */
export interface AxisPicture {
  readonly fragments: readonly AxisFragment[];
  readonly intervals: Intervals;
  readonly breaks: readonly Break[];
  readonly lanes: readonly Lane[];
  /** Times of the key frames of video, sorted. */
  readonly keyTimes: Float64Array;
  /** Times of damaged places. */
  readonly damage: readonly number[];
  /** Whether times are since 1970. */
  readonly isWall: boolean;
}

/** Where a row of the axis is, in pixels from the top, and what is written beside it. */
export interface AxisRow {
  readonly kind: 'ruler' | 'fragments' | 'arrival' | 'behind' | 'errors' | 'damage' | Lane;
  readonly label: string;
  readonly top: number;
  readonly height: number;
}

/** Room for labels at the left, in pixels; the charts below have the same. */
export const GUTTER = 108;

/** Height of the ruler, in pixels. */
export const RULER = 20;
const BLOCKS = 46;
const ROW = 18;

/** The rows that there is something for. */
export function rowsOf({ fragments, lanes, damage }: AxisPicture): AxisRow[] {
  const rows: AxisRow[] = [];
  let top = 0;
  const add = (kind: AxisRow['kind'], label: string, height: number) => {
    rows.push({ kind, label, top, height });
    top += height;
  };
  add('ruler', '', RULER);
  add('fragments', 'Fragments', BLOCKS);
  if (fragments.some(({ arrival }) => arrival !== undefined)) add('arrival', 'Arrival', ROW + 4);
  if (fragments.some(({ behind }) => behind !== undefined)) add('behind', 'Behind now', ROW);
  if (fragments.some(({ error }) => error !== undefined)) add('errors', 'Service errors', ROW);
  if (damage.length > 0 || fragments.some(({ damaged }) => damaged)) add('damage', 'Damage', ROW);
  for (const lane of lanes) {
    add(lane, visibleText(lane.name.slice(0, 60)), ROW + (lane.rows - 1) * (ROW - 4));
  }
  return rows;
}

/** Height of all rows, in pixels. */
export function heightOf(rows: readonly AxisRow[]): number {
  const last = rows.at(-1);
  return last === undefined ? 0 : last.top + last.height + 2;
}
