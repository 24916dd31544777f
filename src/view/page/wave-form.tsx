import { useEffect, useRef, useState } from 'preact/hooks';
import { lowerBound } from '../lower-bound.js';
import { GUTTER } from './axis-rows.js';
import { CursorLine } from './cursor-line.js';
import { spanText } from './format.js';
import { mapped } from './mapped.js';
import { messageOf, type Session } from './session.js';
import { ShownText } from './shown-text.js';
import { type Peak, peaksOf } from './sound-source.js';
import { colours, TRACK_COLOURS } from './theme.js';
import { sized, useTimePointer, useWidth } from './time-axis.js';
import { xOf } from './time-scale.js';
import { trackLabel } from './track-choice.js';

const HEIGHT = 48;
/** The longest time that is decoded for a wave form, in milliseconds. */
const LONGEST = 10 * 60_000;
/** Frames that are asked for at once. */
const RUN = 500;
const PAUSE = 200;

/** The wave forms of the tracks of sound, along the time axis. */
export function WaveForms({ session }: { readonly session: Session }) {
  const tracks = [...session.model.trackNumbers.values()].filter(
    ({ type, number }) => type === 'audio' && session.model.framesOf(number).length > 0,
  );
  return (
    <>
      {tracks.slice(0, 2).map((track) => (
        <WaveForm key={track.number} session={session} number={track.number} label={trackLabel(track)} />
      ))}
    </>
  );
}

function WaveForm(props: { readonly session: Session; readonly number: number; readonly label: string }) {
  const { session, number, label } = props;
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [problem, setProblem] = useState('');
  const width = useWidth(box);
  const view = session.shownView;
  const { model, data } = session;
  const version = model.version.value;
  const palette = colours.value;
  const isTooLong = view.to - view.from > LONGEST;
  const isReading = data.state.phase === 'reading';
  useTimePointer(session, canvas, width - GUTTER, (picked) => session.toTime(picked));
  // biome-ignore lint/correctness/useExhaustiveDependencies: the version says that the model is another one; the view is made anew each time, and is two numbers
  useEffect(() => {
    const element = canvas.current;
    const context = sized(element, width, HEIGHT);
    if (element === null || context === undefined) return;
    context.fillStyle = palette.ink;
    context.font = '11px system-ui, sans-serif';
    context.fillText('Sound', 4, HEIGHT / 2 + 4);
    context.fillStyle = palette.line;
    context.fillRect(GUTTER, HEIGHT / 2, width - GUTTER, 1);
    if (isTooLong || isReading) return;
    const room = width - GUTTER;
    const stop = new AbortController();
    const paint = (peaks: readonly (Peak & { readonly at: number })[]) => {
      context.fillStyle = TRACK_COLOURS[1] ?? palette.block;
      for (const { at, duration, least, most } of peaks) {
        const x = xOf(at, view, room);
        const wide = Math.max(0.7, (duration / 1000 / (view.to - view.from)) * room);
        if (x + wide < 0 || x > room) continue;
        const top = (HEIGHT / 2) * (1 - most);
        const tall = Math.max(1, (HEIGHT / 2) * (most - least));
        context.fillRect(GUTTER + Math.max(0, x), top, wide, tall);
      }
    };
    const make = async () => {
      const frames = model.framesOf(number);
      const times = mapped(frames, (frame) => model.timeOf(frame) ?? 0);
      let next: number | undefined = frames[Math.max(0, lowerBound(times, view.from) - 1)];
      try {
        while (next !== undefined && !stop.signal.aborted) {
          const begin = model.timeOf(next);
          if (begin === undefined || begin > view.to) break;
          const run = await session.ask('run', { number, frame: next, count: RUN }, { signal: stop.signal });
          const starts = run.frames.map(({ frame, chunk }) => ({ us: chunk.timestamp, ms: model.timeOf(frame) ?? 0 }));
          const stamps = starts.map(({ us }) => us);
          const peaks = await peaksOf(run, stop.signal);
          paint(
            peaks.map((peak) => {
              const start = starts[Math.max(0, lowerBound(stamps, peak.time + 1) - 1)];
              return { ...peak, at: start === undefined ? Number.NaN : start.ms + (peak.time - start.us) / 1000 };
            }),
          );
          setProblem(run.problem ?? '');
          if (run.next !== undefined && run.next <= next) break;
          next = run.next;
        }
        element.dataset['drawn'] = String(number);
      } catch (error) {
        if (!stop.signal.aborted) setProblem(messageOf(error));
      }
    };
    const timer = setTimeout(make, PAUSE);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [width, view.from, view.to, number, isTooLong, isReading, data.state.phase === 'live' ? 0 : version, palette]);
  return (
    <div class="strip" ref={box}>
      <canvas ref={canvas} style={{ height: `${HEIGHT}px` }} role="img" aria-label={`Wave form of track ${label}`} />
      <CursorLine session={session} width={width} />
      {isTooLong && (
        <p class="strip-text">
          Zoom in to {spanText(LONGEST)} to see the sound of track {label}.
        </p>
      )}
      {problem !== '' && (
        <p class="strip-text">
          Track {label}: <ShownText text={problem} most={300} />
        </p>
      )}
    </div>
  );
}
