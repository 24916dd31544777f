import { useEffect, useRef } from 'preact/hooks';
import { lowerBound } from '../lower-bound.js';
import { GUTTER } from './axis-rows.js';
import { CursorLine } from './cursor-line.js';
import { mapped } from './mapped.js';
import { PictureSource } from './picture-source.js';
import type { Session } from './session.js';
import { colours } from './theme.js';
import { sized, useTimePointer, useWidth } from './time-axis.js';
import { type TimeView, xOf } from './time-scale.js';

const HEIGHT = 54;
/** Width of a picture with the space behind it, in pixels. */
const ROOM = 98;
/** So many small pictures are kept. */
const MOST_KEPT = 300;
/** Pictures are made when the view has stood still for so long, in milliseconds. */
const PAUSE = 150;

/** The key frames of which there is room for a picture at their own place, so many pixels apart. */
function thumbnailFrames(
  keys: ArrayLike<number>,
  times: Float64Array,
  view: TimeView,
  width: number,
  room: number,
): { readonly frame: number; readonly x: number }[] {
  const found: { frame: number; x: number }[] = [];
  const step = ((view.to - view.from) / width) * room;
  // The picture that is shown at the beginning of the view began before it.
  let place = Math.max(0, lowerBound(times, view.from + 1e-6) - 1);
  while (place < times.length && times[place]! <= view.to) {
    const time = Math.max(times[place]!, view.from);
    found.push({ frame: keys[place]!, x: xOf(time, view, width) });
    place = Math.max(place + 1, lowerBound(times, time + step));
  }
  return found;
}

/** Small pictures of key frames along the time axis. */
export function Thumbnails({ session }: { readonly session: Session }) {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const kept = useRef(new Map<number, ImageBitmap>());
  const source = useRef<PictureSource>(null);
  const width = useWidth(box);
  const view = session.shownView;
  const { model, data } = session;
  const number = session.playedTrack;
  const version = model.version.value;
  const isVideo = number !== undefined && model.trackNumbers.get(number)?.type === 'video';
  useTimePointer(session, canvas, width - GUTTER, (picked) => session.toTime(picked));
  useEffect(() => {
    source.current = new PictureSource(session.ask);
    return () => {
      source.current?.clear();
      for (const image of kept.current.values()) image.close();
      kept.current.clear();
    };
  }, [session]);
  const palette = colours.value;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the version says that the model is another one; the view is made anew each time, and is two numbers
  useEffect(() => {
    const element = canvas.current;
    const context = sized(element, width, HEIGHT);
    if (!isVideo || element === null || context === undefined) return;
    const { keys, times } = model.derive(`keys of ${number}`, () => {
      const found = model.framesOf(number).filter((frame) => model.isKey(frame));
      return { keys: found, times: mapped(found, (frame) => model.timeOf(frame) ?? 0) };
    });
    const wanted = thumbnailFrames(keys, times, view, width - GUTTER, ROOM);
    context.fillStyle = palette.ink;
    context.font = '11px system-ui, sans-serif';
    context.fillText('Key frames', 4, HEIGHT / 2 + 4);
    const paint = (image: ImageBitmap, x: number) => {
      const scale = Math.min(HEIGHT / image.height, (ROOM - 2) / image.width);
      context.drawImage(image, GUTTER + x, 0, image.width * scale, image.height * scale);
    };
    const missing: { frame: number; x: number }[] = [];
    for (const each of wanted) {
      const image = kept.current.get(each.frame);
      if (image === undefined) missing.push(each);
      else paint(image, each.x);
    }
    if (missing.length === 0) {
      element.dataset['drawn'] = String(number);
      return;
    }
    const stop = new AbortController();
    const make = async () => {
      for (const { frame, x } of missing) {
        const row = data.frames.row(frame);
        if (row === undefined || source.current === null) continue;
        try {
          const { image } = await source.current.picture({ frame, timestamp: row.timestamp }, stop.signal);
          const small = await createImageBitmap(image, {
            resizeHeight: HEIGHT * (devicePixelRatio || 1),
            resizeQuality: 'medium',
          });
          if (stop.signal.aborted) return;
          kept.current.set(frame, small);
          for (const [other, old] of kept.current) {
            if (kept.current.size <= MOST_KEPT) break;
            old.close();
            kept.current.delete(other);
          }
          paint(small, x);
        } catch {
          // The player says why; here a picture is only missing.
          if (stop.signal.aborted) return;
        }
      }
      element.dataset['drawn'] = String(number);
    };
    const timer = setTimeout(make, PAUSE);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [width, view.from, view.to, number, isVideo, data.state.phase === 'live' ? 0 : version, palette]);
  if (number !== undefined && !isVideo) return null;
  return (
    <div class="strip" ref={box}>
      <canvas
        ref={canvas}
        style={{ height: `${HEIGHT}px` }}
        role="img"
        aria-label="Pictures of key frames along the time axis"
      />
      <CursorLine session={session} width={width} />
    </div>
  );
}
