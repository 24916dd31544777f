import type { FragmentRecord } from '../protocol.js';
import { ChosenButton, CopyAllButton } from './actions.js';
import { copyJson, saveMade } from './files.js';
import { grouped, momentText, secondsText, sizeText, spanText } from './format.js';
import { Grid, type GridColumn } from './grid.js';
import type { Session } from './session.js';
import { ShownText } from './shown-text.js';

const COLUMNS: readonly GridColumn<FragmentRecord>[] = [
  { name: '#', width: '5em', isNumber: true, cell: ({ index }) => index + 1 },
  { name: 'Producer time', width: '14.5em', cell: ({ producerTimestamp }) => momentText(producerTimestamp) },
  { name: 'Duration, s', width: '8em', isNumber: true, cell: ({ duration }) => secondsText(duration) },
  { name: 'Gap', width: '6em', isNumber: true, cell: ({ gap }) => gapText(gap) },
  { name: 'Frames', width: '6em', isNumber: true, cell: ({ frames }) => grouped(frames) },
  { name: 'Key frames', width: '7.5em', isNumber: true, cell: ({ keyframes }) => grouped(keyframes) },
  { name: 'Size', width: '5.5em', isNumber: true, cell: ({ size }) => sizeText(size) },
  { name: 'Server time', width: '14.5em', cell: ({ serverTimestamp }) => momentText(serverTimestamp) },
  {
    name: 'Behind now',
    width: '8em',
    isNumber: true,
    cell: ({ millisBehindNow }) => (millisBehindNow === undefined ? '' : spanText(millisBehindNow)),
  },
  { name: 'State', width: '9em', cell: stateOf },
  { name: 'Tags', width: '4.5em', isNumber: true, cell: ({ tags }) => tags.length },
  { name: 'Offset', width: '8em', isNumber: true, cell: ({ offset }) => grouped(offset) },
  { name: 'Fragment number', width: '27em', cell: ({ fragmentNumber }) => <ShownText text={fragmentNumber ?? ''} /> },
];

function gapText(gap: number | undefined): string {
  if (gap === undefined) return '';
  return `${gap > 0 ? '+' : ''}${spanText(gap / 1000)}`;
}

function stateOf({ error, truncated, damagedBytes, open }: FragmentRecord): string {
  const states: string[] = [];
  if (error !== undefined) states.push('service error');
  if (truncated) states.push('cut short');
  if (damagedBytes > 0) states.push('damaged');
  if (open) states.push('coming');
  return states.join(', ');
}

/** A fragment as JSON: the names are those of `kvs fragments --json`. */
function fragmentJson(fragment: FragmentRecord): unknown {
  const iso = (millis: number | undefined) => (millis === undefined ? null : new Date(millis).toISOString());
  return {
    fragmentNumber: fragment.fragmentNumber ?? null,
    serverTimestamp: iso(fragment.serverTimestamp),
    producerTimestamp: iso(fragment.producerTimestamp),
    millisBehindNow: fragment.millisBehindNow ?? null,
    continuationToken: fragment.continuationToken ?? null,
    frames: fragment.frames,
    bytes: fragment.frameBytes,
    durationUs: fragment.duration ?? null,
    tags: fragment.tags.map(({ name, value }) => [name, value]),
    error: fragment.error ?? null,
    offset: fragment.offset,
    size: fragment.size,
    truncated: fragment.truncated,
    damagedBytes: fragment.damagedBytes,
  };
}

/** The table of fragments, and the one that the cursor is in. */
export function FragmentsPane({ session }: { readonly session: Session }) {
  const { data } = session;
  const { fragment: index } = session.cursor.value;
  const chosen = data.fragment(index ?? -1);
  return (
    <>
      <div class="tools">
        <CopyAllButton what="Fragments" make={() => data.fragments.map(fragmentJson)} />
        <ChosenButton chosen={chosen} onPress={(fragment) => copyJson('Fragment', fragmentJson(fragment))}>
          Copy fragment as JSON
        </ChosenButton>
        <ChosenButton
          chosen={chosen}
          onPress={(fragment) => saveMade(session.ask('fragment', { fragment: fragment.index }))}
        >
          Save fragment
        </ChosenButton>
      </div>
      <Grid
        label="Fragments"
        columns={COLUMNS}
        count={data.fragments.length}
        row={(at) => data.fragments[at]}
        selected={index === undefined ? -1 : index - data.firstFragment}
        onSelect={(at) => session.toFragment(at + data.firstFragment)}
        onOpen={() => session.show('frames')}
        rowClass={({ error, truncated, damagedBytes, gap }) =>
          error !== undefined || truncated || damagedBytes > 0 ? 'bad' : gap !== undefined ? 'broken' : undefined
        }
        stamp={session.model.version.value}
        empty="No fragments."
      />
      {chosen !== undefined && <FragmentDetails fragment={chosen} />}
    </>
  );
}

function FragmentDetails({ fragment }: { readonly fragment: FragmentRecord }) {
  const { error } = fragment;
  return (
    <dl class="details">
      <dt>Fragment number</dt>
      <dd>
        <ShownText text={fragment.fragmentNumber ?? 'none: no fragment of Kinesis Video Streams'} />
      </dd>
      <dt>Continuation token</dt>
      <dd>
        <ShownText text={fragment.continuationToken ?? 'none'} />
      </dd>
      {error !== undefined && (
        <>
          <dt>The service says</dt>
          <dd class="bad">
            <ShownText text={Object.values(error).filter(Boolean).join(' ')} most={1000} />
          </dd>
        </>
      )}
      {fragment.damagedBytes > 0 && (
        <>
          <dt>Damaged</dt>
          <dd>{grouped(fragment.damagedBytes)} bytes were passed over</dd>
        </>
      )}
    </dl>
  );
}
