import type { FrameRow } from '../frame-table.js';
import { lowerBound } from '../lower-bound.js';
import { FrameFlag } from '../protocol.js';
import { ChosenButton, CopyAllButton } from './actions.js';
import { copyJson, saveMade } from './files.js';
import { grouped, momentText, secondsText } from './format.js';
import { Grid, type GridColumn } from './grid.js';
import type { Session } from './session.js';
import { TrackChoice } from './track-choice.js';

interface NumberedFrame extends FrameRow {
  readonly frame: number;
  readonly trackNumber: number | undefined;
  readonly wall: number | undefined;
}

const COLUMNS: readonly GridColumn<NumberedFrame>[] = [
  { name: 'Frame', width: '6em', isNumber: true, cell: ({ frame }) => frame },
  { name: 'Track', width: '5em', isNumber: true, cell: ({ trackNumber }) => trackNumber },
  { name: 'Time, s', width: '10em', isNumber: true, cell: ({ timestamp }) => secondsText(timestamp) },
  { name: 'Duration, s', width: '8em', isNumber: true, cell: ({ duration }) => secondsText(duration) },
  { name: 'Size, B', width: '6.5em', isNumber: true, cell: ({ size }) => grouped(size) },
  { name: 'Flags', width: '11em', cell: ({ flags }) => flagsText(flags) },
  { name: 'Producer time', width: '14.5em', cell: ({ wall }) => momentText(wall) },
  { name: 'Fragment', width: '6.5em', isNumber: true, cell: ({ fragment }) => fragment + 1 },
  { name: 'Block offset', width: '9em', isNumber: true, cell: ({ block }) => grouped(block) },
];

function flagsText(flags: number): string {
  const words: string[] = [];
  if ((flags & FrameFlag.key) !== 0) words.push((flags & FrameFlag.keyFlag) !== 0 ? 'key' : 'key (no flag)');
  else if ((flags & FrameFlag.keyFlag) !== 0) words.push('key flag only');
  if ((flags & FrameFlag.invisible) !== 0) words.push('invisible');
  if ((flags & FrameFlag.discardable) !== 0) words.push('discardable');
  if ((flags & FrameFlag.laced) !== 0) words.push('laced');
  return words.join(', ');
}

/** The table of frames, of all tracks or of one. */
export function FramesPane({ session }: { readonly session: Session }) {
  const { data, model } = session;
  const shown = session.framesTrack.value;
  const list = model.storedFramesOf(shown);
  const { frame } = session.cursor.value;
  const isProducer = data.state.clock === 'producer';
  const numbered = (number: number | undefined): NumberedFrame | undefined => {
    const row = number === undefined ? undefined : data.frames.row(number);
    if (row === undefined || number === undefined) return undefined;
    const trackNumber = data.tracks[row.track]?.number;
    return { ...row, frame: number, trackNumber, wall: isProducer ? row.time : undefined };
  };
  const json = (number: number) => {
    const each = numbered(number);
    if (each === undefined) return undefined;
    return {
      frame: each.frame,
      track: each.trackNumber ?? null,
      timestamp: each.timestamp,
      duration: each.duration ?? null,
      keyframe: (each.flags & FrameFlag.key) !== 0,
      invisible: (each.flags & FrameFlag.invisible) !== 0,
      discardable: (each.flags & FrameFlag.discardable) !== 0,
      size: each.size,
      fragmentNumber: data.fragment(each.fragment)?.fragmentNumber ?? null,
      offset: each.block,
    };
  };
  const at = frame === undefined ? -1 : lowerBound(list, frame);
  const selected = list[at] === frame ? at : -1;
  return (
    <>
      <div class="tools">
        <TrackChoice
          label="Track"
          tracks={[...model.trackNumbers.values()]}
          chosen={shown}
          all="all tracks"
          onChoose={(number) => {
            session.framesTrack.value = number;
          }}
        />
        <CopyAllButton what="Frames" make={() => Array.from(list, json)} />
        <ChosenButton chosen={frame} onPress={(number) => copyJson('Frame', json(number))}>
          Copy frame as JSON
        </ChosenButton>
        <ChosenButton chosen={frame} onPress={(number) => saveMade(session.ask('frame', { frame: number }))}>
          Save frame
        </ChosenButton>
        <ChosenButton chosen={frame} onPress={() => session.show('elements')}>
          Show Block
        </ChosenButton>
      </div>
      <Grid
        label="Frames"
        columns={COLUMNS}
        count={list.length}
        row={(index) => numbered(list[index])}
        selected={selected}
        onSelect={(index) => {
          const next = list[index];
          if (next !== undefined) session.toFrame(next);
        }}
        onOpen={() => session.show('elements')}
        rowClass={({ flags }) => ((flags & FrameFlag.key) !== 0 ? 'key' : undefined)}
        stamp={`${model.version.value} ${shown}`}
        empty="No frames."
      />
    </>
  );
}
