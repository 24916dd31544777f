import { useEffect, useMemo, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { lowerBound } from '../lower-bound.js';
import { GUTTER } from './axis-rows.js';
import { bitRates } from './bit-rates.js';
import { CursorLine } from './cursor-line.js';
import { bitRateText, sizeText } from './format.js';
import { mapped } from './mapped.js';
import type { Session } from './session.js';
import { colours, TRACK_COLOURS } from './theme.js';
import { timeKeys, useTimePointer, useWidth } from './time-axis.js';
import { tickText } from './time-scale.js';
import { trackLabel } from './track-choice.js';

const HEIGHT = 84;

/** Bit rate and frame sizes of each track, under the time axis and on the same time. */
export function Charts({ session }: { readonly session: Session }) {
  const tracks = [...session.model.trackNumbers.values()].filter(
    ({ number }) => session.model.framesOf(number).length > 0,
  );
  return (
    <section class="charts" aria-label="Bit rate and frame sizes">
      {tracks.slice(0, 4).map((track, index) => (
        <TrackChart
          key={track.number}
          session={session}
          number={track.number}
          label={trackLabel(track)}
          index={index}
        />
      ))}
      {tracks.length > 4 && <p class="quiet">{tracks.length - 4} more tracks are not drawn.</p>}
    </section>
  );
}

function TrackChart(props: {
  readonly session: Session;
  readonly number: number;
  readonly label: string;
  readonly index: number;
}) {
  const { session, number, label, index } = props;
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot>(null);
  const width = useWidth(box);
  const view = session.shownView;
  const { model } = session;
  const { time } = session.cursor.value;
  const series = model.derive(`series of ${number}`, () => {
    const frames = model.framesOf(number);
    const { size, time: all, first } = session.data.frames;
    return {
      times: mapped(frames, (frame) => all[frame - first]!),
      sizes: mapped(frames, (frame) => size[frame - first]!),
    };
  });
  const isWall = session.data.state.clock === 'producer';
  const palette = colours.value;
  useTimePointer(session, box, width - GUTTER, (picked) => session.toTime(picked));
  // biome-ignore lint/correctness/useExhaustiveDependencies: the palette is a signal's value: it changes with the colours of the page
  useEffect(() => {
    const element = box.current;
    if (element === null || width <= GUTTER) return;
    const colour = TRACK_COLOURS[index % TRACK_COLOURS.length] ?? '#3b82c4';
    const grid = { stroke: palette.line, width: 1 };
    const axis = { stroke: palette.ink, grid, ticks: grid, font: '10px system-ui, sans-serif' };
    const bars = uPlot.paths.bars?.({ size: [0.5, 6, 1] });
    const made = new uPlot(
      {
        width,
        height: HEIGHT,
        legend: { show: false },
        cursor: { show: false },
        padding: [8, 0, 8, 0],
        scales: { x: { time: false, auto: false }, size: { range: [0, null] }, rate: { range: [0, null] } },
        series: [
          {},
          {
            label: 'size',
            scale: 'size',
            stroke: colour,
            fill: colour,
            points: { show: false },
            ...(bars === undefined ? {} : { paths: bars }),
          },
          {
            label: 'bit rate',
            scale: 'rate',
            stroke: palette.warn,
            width: 1.5,
            spanGaps: true,
            points: { show: false },
          },
        ],
        axes: [
          { show: false },
          { ...axis, scale: 'size', size: GUTTER, values: (_, splits) => splits.map(sizeText), space: 26 },
          { show: false, scale: 'rate' },
        ],
      },
      [[], [], []],
      element,
    );
    chart.current = made;
    return () => {
      made.destroy();
      chart.current = null;
    };
  }, [width, palette, index]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another palette makes another chart; the view is made anew each time, and is two numbers
  useEffect(() => {
    const made = chart.current;
    if (made === null) return;
    const from = Math.max(0, lowerBound(series.times, view.from) - 1);
    const to = Math.min(series.times.length, lowerBound(series.times, view.to) + 1);
    made.batch(() => {
      made.setData(joined(series, from, to, view, width), false);
      made.setScale('x', { min: view.from, max: view.to });
    });
  }, [series, view.from, view.to, width, palette]);
  const most = useMemo(
    () => bitRates(series.times, series.sizes, view.from, view.to).rates.reduce((a, b) => Math.max(a, b), 0),
    [series, view.from, view.to],
  );
  return (
    <div class="chart">
      <p>
        Track {label}: frame sizes (bars), bit rate (line, at most {bitRateText(most)})
      </p>
      <div
        class="chart-box"
        ref={box}
        role="slider"
        tabIndex={0}
        aria-label={`Frame sizes and bit rate of track ${label}`}
        aria-valuemin={Math.round(view.from)}
        aria-valuemax={Math.round(view.to)}
        aria-valuenow={Math.round(time ?? view.from)}
        aria-valuetext={time === undefined ? 'no place' : tickText(Math.round(time), 1, isWall)}
        onKeyDown={(event) => timeKeys(session, event)}
      >
        <CursorLine session={session} width={width} />
      </div>
    </div>
  );
}

/** So many bars can be told apart in a width; of more frames, each column of pixels keeps its largest. */
function joined(
  { times, sizes }: { readonly times: Float64Array; readonly sizes: Float64Array },
  from: number,
  to: number,
  view: { readonly from: number; readonly to: number },
  width: number,
): uPlot.AlignedData {
  const rate = bitRates(times, sizes, view.from, view.to);
  const points: { time: number; size: number | null; rate: number | null }[] = rate.times.map((time, index) => ({
    time,
    size: null,
    rate: rate.rates[index] ?? null,
  }));
  const columns = Math.max(1, Math.round(width));
  const scale = columns / (view.to - view.from);
  for (let at = from; at < to; ) {
    const column = Math.floor((times[at]! - view.from) * scale);
    let largest = at;
    do {
      if (sizes[at]! > sizes[largest]!) largest = at;
      at++;
    } while (to - from > columns && at < to && Math.floor((times[at]! - view.from) * scale) === column);
    points.push({ time: times[largest]!, size: sizes[largest]!, rate: null });
  }
  points.sort((a, b) => a.time - b.time);
  return [points.map(({ time }) => time), points.map(({ size }) => size), points.map((point) => point.rate)];
}
