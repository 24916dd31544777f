import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { type FragmentRecord, FrameFlag } from '../protocol.js';
import { drawAxis, drawCursor } from './axis-drawing.js';
import { type AxisFragment, breaksOf, Intervals, lanesOf } from './axis-model.js';
import { type AxisPicture, GUTTER, heightOf, rowsOf } from './axis-rows.js';
import { countText, momentText, secondsText, sizeText, spanText } from './format.js';
import { takeKey } from './keys.js';
import { mapped } from './mapped.js';
import type { Session } from './session.js';
import { colours } from './theme.js';
import { fitting, panned, timeAt, zoomed } from './time-scale.js';
import { visibleText } from './visible-text.js';

/** What an axis shows of a stream. */
function pictureOf(session: Session): AxisPicture {
  return session.model.derive('axis', () => {
    const { data, model } = session;
    let end = Number.NaN;
    const fragments = data.fragments.map((fragment) => {
      const placed = axisFragment(fragment, end);
      if (Number.isFinite(placed.to)) end = placed.to;
      return placed;
    });
    const main = model.mainTrack?.number;
    const keys = main === undefined ? [] : model.framesOf(main).filter((frame) => model.isKey(frame));
    const isVideo = model.mainTrack?.type === 'video';
    const damage = data.damage.map(({ offset }) => model.fragmentAtOffset(offset)?.time ?? session.whole?.from ?? 0);
    return {
      fragments,
      intervals: new Intervals(fragments),
      breaks: breaksOf(fragments),
      lanes: lanesOf(fragments),
      keyTimes: mapped(isVideo ? keys : [], (frame) => model.timeOf(frame) ?? 0),
      damage,
      isWall: data.state.clock === 'producer',
    };
  });
}

/** @param before where the fragment before it ends: the place of an error that has no time of its own */
function axisFragment(fragment: FragmentRecord, before: number): AxisFragment {
  const { time, duration, error } = fragment;
  const isBad = error !== undefined || fragment.truncated || fragment.damagedBytes > 0;
  const from = time ?? (isBad ? before : Number.NaN);
  return {
    from,
    to: from + (duration ?? 0) / 1000,
    bytes: fragment.size,
    gap: fragment.gap === undefined ? undefined : fragment.gap / 1000,
    arrival: fragment.serverTimestamp,
    behind: fragment.millisBehindNow,
    error: error === undefined ? undefined : Object.values(error).filter(Boolean).join(' '),
    damaged: fragment.truncated || fragment.damagedBytes > 0,
    tags: fragment.tags,
  };
}

/** A step of zooming and panning by keys. */
const ZOOM = 1.5;
const PAN = 0.2;

/** Where the cursor is, in words. */
function cursorText(session: Session): string {
  const { time, frame, fragment: index } = session.cursor.value;
  const { data, model } = session;
  if (time === undefined && index === undefined) return 'No place is chosen.';
  const parts: string[] = [];
  const fragment = data.fragment(index ?? -1);
  if (fragment !== undefined) {
    parts.push(`Fragment ${fragment.index + 1}`);
    if (fragment.gap !== undefined) {
      parts.push(`${fragment.gap > 0 ? 'after a gap of' : 'overlaps by'} ${spanText(Math.abs(fragment.gap) / 1000)}`);
    }
  }
  const row = frame === undefined ? undefined : data.frames.row(frame);
  if (row !== undefined) {
    const isKey = (row.flags & FrameFlag.key) !== 0;
    const track = model.trackOf(frame ?? -1);
    parts.push(`frame ${frame}${isKey ? ', key frame' : ''}, ${sizeText(row.size)}, track ${track?.number ?? '?'}`);
    parts.push(`${secondsText(row.timestamp)} s`);
  }
  if (time !== undefined && data.state.clock === 'producer') parts.push(momentText(time));
  if (fragment?.serverTimestamp !== undefined && fragment.producerTimestamp !== undefined) {
    const later = fragment.serverTimestamp - fragment.producerTimestamp;
    parts.push(`arrived ${spanText(Math.abs(later))} ${later < 0 ? 'before its producer time' : 'later'}`);
  }
  if (fragment?.millisBehindNow !== undefined) parts.push(`${spanText(fragment.millisBehindNow)} behind now`);
  return parts.join(' · ');
}

/** Width of an element, as it changes. */
export function useWidth(ref: { readonly current: HTMLElement | null }): number {
  const [width, setWidth] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the element is that of the component for as long as it is there
  useLayoutEffect(() => {
    const element = ref.current;
    if (element === null) return;
    setWidth(element.clientWidth);
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return width;
}

/** Moves and zooms what the session shows of time. */
function moveView(session: Session, change: 'in' | 'out' | 'left' | 'right' | 'all', around?: number): void {
  const { whole } = session;
  if (whole === undefined) return;
  const view = session.shownView;
  if (change === 'all') {
    session.view.value = undefined;
    return;
  }
  const middle = around ?? cursorIn(session) ?? (view.from + view.to) / 2;
  if (change === 'in') session.view.value = zoomed(view, 1 / ZOOM, middle);
  else if (change === 'out') {
    const wider = zoomed(view, ZOOM, middle);
    const all = fitting(whole);
    session.view.value = wider.to - wider.from >= all.to - all.from ? undefined : wider;
  } else session.view.value = panned(view, change === 'left' ? -PAN : PAN, whole);
}

function cursorIn(session: Session): number | undefined {
  const { time } = session.cursor.value;
  const { from, to } = session.shownView;
  return time !== undefined && time >= from && time <= to ? time : undefined;
}

/** Keys that move cursor and view, the same in the time axis and in the player. */
export function timeKeys(session: Session, event: KeyboardEvent): void {
  const { shiftKey } = event;
  takeKey(event, {
    ArrowRight: () => (shiftKey ? moveView(session, 'right') : session.step(1)),
    ArrowLeft: () => (shiftKey ? moveView(session, 'left') : session.step(-1)),
    PageDown: () => session.stepFragment(1),
    PageUp: () => session.stepFragment(-1),
    Home: () => session.toTime(session.whole?.from ?? 0),
    End: () => session.toTime(session.whole?.to ?? 0),
    k: () => session.stepKey(1),
    K: () => session.stepKey(-1),
    j: () => session.stepKey(-1),
    '+': () => moveView(session, 'in'),
    '=': () => moveView(session, 'in'),
    '-': () => moveView(session, 'out'),
    '0': () => moveView(session, 'all'),
  });
}

/** Wheel and drag on a canvas of time. */
export function useTimePointer(
  session: Session,
  ref: { readonly current: HTMLElement | null },
  width: number,
  onPick: (time: number) => void,
): void {
  const pick = useRef(onPick);
  pick.current = onPick;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the element is that of the component for as long as it is there
  useEffect(() => {
    const element = ref.current;
    if (element === null || width <= 0) return;
    const stop = new AbortController();
    const { signal } = stop;
    const at = (event: MouseEvent) =>
      timeAt(event.clientX - element.getBoundingClientRect().left - GUTTER, session.shownView, width);
    const onWheel = (event: WheelEvent) => {
      const { whole } = session;
      if (whole === undefined) return;
      const isSideways = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
      // Without a key the wheel scrolls the page, but not here: here time is what is scrolled and zoomed.
      event.preventDefault();
      if (isSideways) {
        const delta = event.deltaX === 0 ? event.deltaY : event.deltaX;
        session.view.value = panned(session.shownView, (delta / width) * 0.8, whole);
      } else {
        session.view.value = zoomed(session.shownView, 1.0015 ** event.deltaY, at(event));
      }
    };
    element.addEventListener('wheel', onWheel, { passive: false, signal });
    const onDown = (event: PointerEvent) => {
      if (event.button !== 0) return;
      const begin = event.clientX;
      const { shownView } = session;
      let moved = false;
      element.setPointerCapture(event.pointerId);
      const drag = new AbortController();
      const onMove = (next: PointerEvent) => {
        if (!moved && Math.abs(next.clientX - begin) < 4) return;
        moved = true;
        if (session.whole !== undefined) {
          session.view.value = panned(shownView, (begin - next.clientX) / width, session.whole);
        }
      };
      const onUp = (next: PointerEvent) => {
        drag.abort();
        if (!moved && next.type === 'pointerup') pick.current(at(next));
      };
      element.addEventListener('pointermove', onMove, { signal: drag.signal });
      element.addEventListener('pointerup', onUp, { signal: drag.signal });
      element.addEventListener('pointercancel', onUp, { signal: drag.signal });
    };
    element.addEventListener('pointerdown', onDown, { signal });
    return () => stop.abort();
  }, [session, width]);
}

/** A canvas in the pixels of the screen, empty. */
export function sized(
  canvas: HTMLCanvasElement | null,
  width: number,
  height: number,
): CanvasRenderingContext2D | undefined {
  const context = canvas?.getContext('2d');
  if (canvas === null || !context || width <= GUTTER) return undefined;
  const ratio = devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}

/** The fragments on the producer's time, with all that the service says of them. */
export function TimeAxis({ session }: { readonly session: Session }) {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const overlay = useRef<HTMLCanvasElement>(null);
  const width = useWidth(box);
  const picture = pictureOf(session);
  const rows = rowsOf(picture);
  const height = heightOf(rows);
  const view = session.shownView;
  const { time, fragment } = session.cursor.value;
  const { data } = session;
  useTimePointer(session, overlay, width - GUTTER, (picked) => session.toTime(picked));
  const palette = colours.value;
  // The cursor has a canvas of its own: it moves far more often than what is under it.
  // biome-ignore lint/correctness/useExhaustiveDependencies: rows and height come from the picture; the view is made anew each time, and is two numbers
  useLayoutEffect(() => {
    const context = sized(canvas.current, width, height);
    if (context !== undefined) drawAxis(context, picture, rows, view, width, palette);
  }, [picture, view.from, view.to, width, palette]);
  useLayoutEffect(() => {
    const context = sized(overlay.current, width, height);
    const chosen = fragment === undefined ? undefined : fragment - data.firstFragment;
    if (context !== undefined) drawCursor(context, picture, rows, view, width, { time, fragment: chosen }, palette);
  });
  const { whole } = session;
  const text = cursorText(session);
  const gaps = picture.breaks.filter(({ kind }) => kind === 'gap').length;
  const overlaps = picture.breaks.length - gaps;
  return (
    <section class="axis" aria-label="Time axis">
      <div class="tools">
        <button type="button" onClick={() => moveView(session, 'in')} aria-label="Zoom in" title="Zoom in (+)">
          +
        </button>
        <button type="button" onClick={() => moveView(session, 'out')} aria-label="Zoom out" title="Zoom out (−)">
          −
        </button>
        <button type="button" onClick={() => moveView(session, 'left')} aria-label="Earlier" title="Earlier (Shift ←)">
          ‹
        </button>
        <button type="button" onClick={() => moveView(session, 'right')} aria-label="Later" title="Later (Shift →)">
          ›
        </button>
        <button type="button" onClick={() => moveView(session, 'all')} title="Show all (0)">
          All
        </button>
        <span class="quiet">
          {[
            countText(data.fragments.length, 'fragment'),
            countText(data.frames.count, 'frame'),
            countText(gaps, 'gap'),
            countText(overlaps, 'overlap'),
          ].join(', ')}
          {whole !== undefined && `, ${spanText(whole.to - whole.from)}`}
        </span>
        {session.view.value !== undefined && (
          <span class="quiet" data-testid="view">
            In sight: {spanText(view.to - view.from)}
          </span>
        )}
      </div>
      <div class="axis-box" ref={box}>
        <canvas ref={canvas} style={{ height: `${height}px` }} />
        <canvas
          ref={overlay}
          class="overlay"
          style={{ height: `${height}px` }}
          role="slider"
          tabIndex={0}
          aria-label={`Time axis: ${rows
            .map(({ label }) => label)
            .filter(Boolean)
            .join(', ')}`}
          aria-valuemin={0}
          aria-valuemax={Math.round(whole === undefined ? 0 : whole.to - whole.from)}
          aria-valuenow={Math.round(time === undefined || whole === undefined ? 0 : time - whole.from)}
          aria-valuetext={visibleText(text)}
          onKeyDown={(event) => timeKeys(session, event)}
        />
      </div>
      <p class="cursor-text" data-testid="cursor">
        {text}
      </p>
    </section>
  );
}
