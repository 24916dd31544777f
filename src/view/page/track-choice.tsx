import type { TrackRecord } from '../protocol.js';
import { visibleText } from './visible-text.js';

/** What a track is called in a list. */
export function trackLabel({ number, type, name, codecId }: TrackRecord): string {
  return visibleText(`${number}: ${type} ${(name ?? codecId).slice(0, 40)}`);
}

/** So many tracks can be chosen from. */
const MOST = 200;

/** A list to choose a track from. */
export function TrackChoice(props: {
  readonly label: string;
  readonly tracks: readonly TrackRecord[];
  /** TrackNumber. */
  readonly chosen: number | undefined;
  /** What choosing none is called; without it there is no such choice. */
  readonly all?: string | undefined;
  readonly onChoose: (number: number | undefined) => void;
}) {
  return (
    <label>
      {props.label}{' '}
      <select
        value={String(props.chosen ?? '')}
        onChange={({ currentTarget }) =>
          props.onChoose(currentTarget.value === '' ? undefined : Number(currentTarget.value))
        }
      >
        {props.all !== undefined && <option value="">{props.all}</option>}
        {props.tracks.slice(0, MOST).map((track) => (
          <option key={track.number} value={String(track.number)}>
            {trackLabel(track)}
          </option>
        ))}
      </select>
    </label>
  );
}
