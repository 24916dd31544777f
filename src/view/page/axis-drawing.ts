import { lowerBound } from '../lower-bound.js';
import type { Break, Lane } from './axis-model.js';
import { type AxisPicture, type AxisRow, GUTTER, heightOf, RULER } from './axis-rows.js';
import type { Colours } from './theme.js';
import { type TimeView, ticksOf, tickText, xOf } from './time-scale.js';
import { visibleText } from './visible-text.js';

/**
 * Draws a time axis, all but the cursor.
 *
 * @param width of the canvas, in CSS pixels
 */
export function drawAxis(
  context: CanvasRenderingContext2D,
  picture: AxisPicture,
  rows: readonly AxisRow[],
  view: TimeView,
  width: number,
  colours: Colours,
): void {
  const height = heightOf(rows);
  const room = width - GUTTER;
  context.clearRect(0, 0, width, height);
  context.font = '11px system-ui, sans-serif';
  context.textBaseline = 'middle';
  for (const { label, top, height: tall } of rows) {
    context.fillStyle = colours.line;
    context.fillRect(0, top + tall - 1, width, 1);
    context.fillStyle = colours.ink;
    context.fillText(fitted(context, label, GUTTER - 10), 4, top + tall / 2);
  }
  enterRoom(context, room, height);
  const painter = new AxisPainter(context, picture, view, room, colours);
  painter.ruler(height);
  for (const row of rows) painter.row(row);
  context.restore();
}

/** Draws the cursor over a time axis, and a frame around the fragment that it is in. */
export function drawCursor(
  context: CanvasRenderingContext2D,
  { fragments }: AxisPicture,
  rows: readonly AxisRow[],
  view: TimeView,
  width: number,
  cursor: { readonly time: number | undefined; readonly fragment: number | undefined },
  colours: Colours,
): void {
  const height = heightOf(rows);
  const room = width - GUTTER;
  context.clearRect(0, 0, width, height);
  enterRoom(context, room, height);
  const chosen = fragments[cursor.fragment ?? -1];
  const row = rows.find(({ kind }) => kind === 'fragments');
  if (chosen !== undefined && row !== undefined) {
    const left = xOf(chosen.from, view, room);
    context.strokeStyle = colours.cursor;
    context.lineWidth = 2;
    context.strokeRect(left, row.top + 6, Math.max(xOf(chosen.to, view, room) - left - 1, 2), row.height - 8);
  }
  if (cursor.time !== undefined) {
    context.fillStyle = colours.cursor;
    context.fillRect(Math.round(xOf(cursor.time, view, room)) - 1, 0, 2, height);
  }
  context.restore();
}

/** From here until `restore`, nothing is drawn over the labels, and the room beside them begins at 0. */
function enterRoom(context: CanvasRenderingContext2D, room: number, height: number): void {
  context.save();
  context.beginPath();
  context.rect(GUTTER, 0, room, height);
  context.clip();
  context.translate(GUTTER, 0);
}

class AxisPainter {
  readonly #context: CanvasRenderingContext2D;
  readonly #picture: AxisPicture;
  readonly #view: TimeView;
  readonly #width: number;
  readonly #colours: Colours;

  constructor(
    context: CanvasRenderingContext2D,
    picture: AxisPicture,
    view: TimeView,
    width: number,
    colours: Colours,
  ) {
    this.#context = context;
    this.#picture = picture;
    this.#view = view;
    this.#width = width;
    this.#colours = colours;
  }

  #x(time: number): number {
    return xOf(time, this.#view, this.#width);
  }

  row(row: AxisRow): void {
    switch (row.kind) {
      case 'ruler':
        break;
      case 'fragments':
        this.#fragments(row);
        break;
      case 'arrival':
        this.#arrival(row);
        break;
      case 'behind':
        this.#behind(row);
        break;
      case 'errors':
        this.#errors(row);
        break;
      case 'damage':
        this.#damage(row);
        break;
      default:
        this.#lane(row, row.kind);
    }
  }

  ruler(height: number): void {
    const { times, step } = ticksOf(this.#view, this.#width, 96);
    for (const time of times) {
      const x = Math.round(this.#x(time));
      this.#context.fillStyle = this.#colours.line;
      this.#context.fillRect(x, 0, 1, height);
      this.#context.fillStyle = this.#colours.quiet;
      this.#context.fillText(tickText(time, step, this.#picture.isWall), x + 3, RULER / 2);
    }
  }

  #fragments({ top, height }: AxisRow): void {
    const context = this.#context;
    const { fragments, breaks, keyTimes } = this.#picture;
    const largest = this.#inSight().reduce((most, index) => Math.max(most, fragments[index]!.bytes), 1);
    const bottom = top + height - 2;
    const room = height - 10;
    let drawn = -1;
    let tallest = 0;
    for (const index of this.#inSight()) {
      const { from, to, bytes, error, damaged } = fragments[index]!;
      const left = this.#x(from);
      const wide = Math.max(1, this.#x(to) - left - 1);
      const tall = Math.max(3, Math.sqrt(bytes / largest) * room);
      // Where many share a column of pixels, the largest of them stands for them; what is wrong is always drawn.
      const column = Math.floor(left);
      const isBad = error !== undefined || damaged;
      if (wide <= 1 && column === drawn && tall <= tallest && !isBad) continue;
      tallest = column === drawn ? Math.max(tallest, tall) : tall;
      drawn = column;
      context.fillStyle = isBad ? this.#colours.bad : this.#colours.block;
      context.fillRect(left, bottom - tall, wide, tall);
      if (wide > 40) {
        context.fillStyle = this.#colours.paper;
        context.fillText(String(index + 1), left + 4, bottom - 8);
      }
    }
    context.fillStyle = this.#colours.key;
    let last = Number.NEGATIVE_INFINITY;
    for (let at = lowerBound(keyTimes, this.#view.from); at < keyTimes.length; at++) {
      const time = keyTimes[at]!;
      if (time > this.#view.to) break;
      const x = Math.round(this.#x(time));
      if (x === last) continue;
      last = x;
      context.beginPath();
      context.moveTo(x - 3, top + 1);
      context.lineTo(x + 3, top + 1);
      context.lineTo(x, top + 7);
      context.fill();
    }
    this.#breaks(breaks, top, height);
  }

  /** Gaps are hatched from one side, overlaps from both: they differ by more than the colour. */
  #breaks(breaks: readonly Break[], top: number, height: number): void {
    const context = this.#context;
    context.strokeStyle = this.#colours.bad;
    context.lineWidth = 1;
    let last = Number.NEGATIVE_INFINITY;
    for (const { kind, from, to } of breaks) {
      if (to < this.#view.from || from > this.#view.to) continue;
      const left = Math.max(-10, this.#x(from));
      const right = Math.min(this.#width + 10, Math.max(this.#x(to), left + 2));
      if (right - left <= 2 && Math.floor(left) === last) continue;
      last = Math.floor(left);
      if (right - left < 4) {
        context.fillStyle = this.#colours.bad;
        context.fillRect(left, top + 8, right - left, height - 10);
        continue;
      }
      context.save();
      context.beginPath();
      context.rect(left, top + 8, right - left, height - 10);
      context.globalAlpha = 0.18;
      context.fillStyle = this.#colours.bad;
      context.fill();
      context.globalAlpha = 1;
      context.clip();
      context.beginPath();
      for (let x = left - height; x < right; x += 6) {
        context.moveTo(x, top + height);
        context.lineTo(x + height, top);
        if (kind === 'overlap') {
          context.moveTo(x, top);
          context.lineTo(x + height, top + height);
        }
      }
      context.stroke();
      context.restore();
    }
  }

  #arrival({ top, height }: AxisRow): void {
    const context = this.#context;
    const { fragments } = this.#picture;
    context.strokeStyle = this.#colours.mark;
    context.lineWidth = 1;
    context.beginPath();
    let last = Number.NaN;
    for (const index of this.#inSight()) {
      const { from, arrival } = fragments[index]!;
      if (arrival === undefined) continue;
      const x = Math.round(this.#x(arrival)) + 0.5;
      if (x === last) continue;
      last = x;
      context.moveTo(this.#x(from), top);
      context.lineTo(x, top + height - 8);
      context.lineTo(x, top + height - 2);
    }
    context.stroke();
  }

  #behind({ top, height }: AxisRow): void {
    const { fragments } = this.#picture;
    const inSight = this.#inSight();
    let most = 1;
    for (const index of inSight) most = Math.max(most, fragments[index]!.behind ?? 0);
    this.#context.fillStyle = this.#colours.mark;
    for (const index of inSight) {
      const { from, to, behind } = fragments[index]!;
      if (behind === undefined) continue;
      const left = this.#x(from);
      const tall = Math.max(1, (behind / most) * (height - 4));
      this.#context.fillRect(left, top + height - 2 - tall, Math.max(1, this.#x(to) - left - 1), tall);
    }
  }

  #errors(row: AxisRow): void {
    for (const index of this.#inSight()) {
      const { from, error } = this.#picture.fragments[index]!;
      if (error !== undefined) this.#sign(this.#x(from), row, '!', visibleText(error.slice(0, 80)));
    }
  }

  #damage(row: AxisRow): void {
    for (const time of this.#picture.damage) this.#sign(this.#x(time), row, '×', '');
    for (const index of this.#inSight()) {
      const { from, damaged } = this.#picture.fragments[index]!;
      if (damaged) this.#sign(this.#x(from), row, '×', '');
    }
  }

  #lane({ top: begins, height: all }: AxisRow, { items, rows }: Lane): void {
    const context = this.#context;
    const height = all / rows;
    /** Where the last mark of each row is. */
    const marks: number[] = [];
    for (const { from, to, value, lasts, row } of items) {
      const top = begins + row * height;
      if (from > this.#view.to) break;
      if (to < this.#view.from) continue;
      const left = this.#x(from);
      if (lasts) {
        const begin = Math.max(left, 0);
        const wide = Math.max(2, this.#x(to) - begin - 1);
        context.fillStyle = this.#colours.lane;
        context.fillRect(begin, top + 2, wide, height - 4);
        if (wide > 24) {
          context.fillStyle = this.#colours.ink;
          context.fillText(fitted(context, visibleText(value.slice(0, 200)), wide - 8), begin + 4, top + height / 2);
        }
        continue;
      }
      const x = Math.round(left);
      const before = marks[row] ?? Number.NEGATIVE_INFINITY;
      if (x === before) continue;
      const isCrowded = x - before < 40;
      marks[row] = x;
      context.fillStyle = this.#colours.mark;
      context.beginPath();
      context.arc(x + 4, top + height / 2, 3.5, 0, Math.PI * 2);
      context.fill();
      if (isCrowded) continue;
      context.fillStyle = this.#colours.ink;
      const next = this.#x(to) - x;
      if (next > 30)
        context.fillText(fitted(context, visibleText(value.slice(0, 200)), next - 14), x + 11, top + height / 2);
    }
  }

  #sign(x: number, { top, height }: AxisRow, sign: string, text: string): void {
    const context = this.#context;
    context.fillStyle = this.#colours.bad;
    context.fillRect(x, top + 2, 13, height - 5);
    context.fillStyle = this.#colours.paper;
    context.fillText(sign, x + 4, top + height / 2);
    context.fillStyle = this.#colours.bad;
    if (text !== '') context.fillText(text, x + 18, top + height / 2);
  }

  #known: number[] | undefined;

  /** Indexes of the fragments in sight, by their beginning. */
  #inSight(): number[] {
    if (this.#known !== undefined) return this.#known;
    const { intervals, fragments } = this.#picture;
    const [from, to] = intervals.within(this.#view);
    const found: number[] = [];
    for (let at = from; at < to; at++) {
      const index = intervals.order[at]!;
      if (fragments[index]!.to >= this.#view.from) found.push(index);
    }
    this.#known = found;
    return found;
  }
}

function fitted(context: CanvasRenderingContext2D, text: string, width: number): string {
  if (context.measureText(text).width <= width) return text;
  let length = text.length;
  while (length > 0 && context.measureText(`${text.slice(0, length)}…`).width > width)
    length = Math.floor(length * 0.8);
  return length === 0 ? '' : `${text.slice(0, length)}…`;
}
