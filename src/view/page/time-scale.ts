/** What part of time is shown, in milliseconds. */
export interface TimeView {
  readonly from: number;
  readonly to: number;
}

/** The least and the most that can be shown at once, in milliseconds. */
const LEAST = 1;
const MOST = 1e13;

/** The place of a time in a width of pixels. */
export function xOf(time: number, view: TimeView, width: number): number {
  return ((time - view.from) / (view.to - view.from)) * width;
}

/** The time at a place. */
export function timeAt(x: number, view: TimeView, width: number): number {
  return view.from + (x / width) * (view.to - view.from);
}

/** The view with `factor` of its length, where the time `around` stays at its place. */
export function zoomed(view: TimeView, factor: number, around: number): TimeView {
  const length = view.to - view.from;
  const wanted = Math.min(Math.max(length * factor, LEAST), MOST);
  const part = (around - view.from) / length;
  const from = around - part * wanted;
  return { from, to: from + wanted };
}

/** The view moved by a part of its length, so that some of `whole` stays in sight. */
export function panned(view: TimeView, part: number, whole: TimeView): TimeView {
  const length = view.to - view.from;
  const from = Math.min(Math.max(view.from + part * length, whole.from - length * 0.9), whole.to - length * 0.1);
  return { from, to: from + length };
}

/** The view with the time in sight, moved no more than needed. */
export function showing(view: TimeView, time: number): TimeView {
  if (time >= view.from && time <= view.to) return view;
  const length = view.to - view.from;
  const from = time - length * (time < view.from ? 0.1 : 0.9);
  return { from, to: from + length };
}

/** All of it with a little room at both ends. */
export function fitting(whole: TimeView): TimeView {
  const length = Math.max(whole.to - whole.from, LEAST);
  return { from: whole.from - length * 0.02, to: whole.from + length * 1.02 };
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const STEPS = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((each) => each * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((each) => each * MINUTE),
  ...[1, 2, 3, 6, 12].map((each) => each * HOUR),
  ...[1, 2, 7, 30, 90, 365, 3650, 36_500].map((each) => each * DAY),
];

/** Times for a ruler, at most one in `room` pixels. */
export function ticksOf(view: TimeView, width: number, room: number): { times: number[]; step: number } {
  const least = ((view.to - view.from) / Math.max(width, 1)) * room;
  const step = STEPS.find((each) => each >= least) ?? STEPS[STEPS.length - 1]!;
  const times: number[] = [];
  const first = Math.ceil(view.from / step);
  for (let at = first; at * step <= view.to && times.length < 500; at++) times.push(at * step);
  return { times, step };
}

/** A time as a ruler shows it: what the step leaves open is left out. */
export function tickText(time: number, step: number, isWall: boolean): string {
  if (!isWall) return `${(time / 1000).toFixed(step < SECOND ? 3 : 0)} s`;
  if (Math.abs(time) > 8.64e15) return '';
  const text = new Date(time).toISOString();
  const at = text.indexOf('T');
  if (step >= DAY) return text.slice(0, at);
  if (time % DAY === 0) return text.slice(5, at);
  return text.slice(at + 1, step < SECOND ? -1 : step < MINUTE ? -5 : -8);
}
