import { useState } from 'preact/hooks';
import type { TrackRecord } from '../protocol.js';
import { CopyAllButton } from './actions.js';
import { hexOf } from './files.js';
import { grouped, secondsText } from './format.js';
import type { Session } from './session.js';
import { ShownText } from './shown-text.js';

/** So many tracks are shown at a time: a stream may describe thousands. */
const STEP = 50;

/** The tracks with all that their decoders are told. */
export function TracksPane({ session }: { readonly session: Session }) {
  const { tracks } = session.data;
  const { frame } = session.cursor.value;
  const current = frame === undefined ? undefined : session.model.trackOf(frame);
  const [most, setMost] = useState(STEP);
  return (
    <>
      <div class="tools">
        <CopyAllButton what="Tracks" make={() => tracks} />
      </div>
      <div class="tracks" tabIndex={0} role="group" aria-label="Tracks">
        {tracks.length === 0 && <p>No tracks.</p>}
        {tracks.slice(0, most).map((track) => (
          <Track key={track.id} track={track} isCurrent={track === current} />
        ))}
        {tracks.length > most && (
          <button type="button" onClick={() => setMost(most + STEP)}>
            Show more of {grouped(tracks.length)} tracks
          </button>
        )}
      </div>
    </>
  );
}

/** @param isCurrent whether the cursor's frame is one of it */
function Track({ track, isCurrent }: { readonly track: TrackRecord; readonly isCurrent: boolean }) {
  const { video, audio } = track;
  const facts = [
    { name: 'Codec string', value: track.codecString ?? 'it cannot be told' },
    { name: 'CodecID', value: track.codecId },
    { name: 'Codec name', value: track.codecName },
    { name: 'TrackUID', value: track.uid },
    { name: 'Language', value: track.language },
    {
      name: 'Frame duration',
      value: track.defaultDuration === undefined ? undefined : `${secondsText(track.defaultDuration)} s`,
    },
    { name: 'Storage', value: track.storage === 'plain' ? undefined : track.storage },
    { name: 'Video', value: video && settingsText(video) },
    { name: 'Audio', value: audio && settingsText(audio) },
    { name: 'First in fragment', value: String(track.firstFragment + 1) },
  ];
  return (
    <section class="track" aria-label={`Track ${track.number}`} aria-current={isCurrent ? 'true' : undefined}>
      <h3>
        Track {track.number}: {track.type} <ShownText text={track.name ?? ''} most={100} />
      </h3>
      <Facts facts={facts} />
      {track.disagreements.length > 0 && (
        <ul class="bad" aria-label="What the frames do not bear out">
          {track.disagreements.map(({ rule, message }) => (
            <li key={rule}>
              <ShownText text={message} most={500} />
            </li>
          ))}
        </ul>
      )}
      {track.description.map(({ title, fields, bytes }) => (
        <details key={`${title} ${hexOf(bytes)}`} open>
          <summary>
            {title}, {grouped(bytes.length)} bytes
          </summary>
          <Facts facts={fields} />
          <code class="bytes">{hexOf(bytes.subarray(0, 512))}</code>
        </details>
      ))}
    </section>
  );
}

/** Names with their values, but those that are not known. */
function Facts({
  facts,
}: {
  readonly facts: readonly { readonly name: string; readonly value: string | undefined }[];
}) {
  return (
    <dl class="facts">
      {facts.map(
        ({ name, value }) =>
          value !== undefined && (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                <ShownText text={value} most={400} />
              </dd>
            </div>
          ),
      )}
    </dl>
  );
}

function settingsText(settings: object): string {
  return Object.entries(settings)
    .filter(([, value]) => typeof value === 'number' || typeof value === 'string')
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}
