import { GUTTER } from './axis-rows.js';
import type { Session } from './session.js';
import { xOf } from './time-scale.js';

/** The cursor as a line over what is drawn along the time axis. `width`, in pixels, is that of the drawing with its labels. */
export function CursorLine({ session, width }: { readonly session: Session; readonly width: number }) {
  const { time } = session.cursor.value;
  const room = width - GUTTER;
  const left = time === undefined ? -1 : xOf(time, session.shownView, room);
  return left >= 0 && left <= room && <div class="chart-cursor" style={{ left: `${left + GUTTER}px` }} />;
}
