import { useState } from 'preact/hooks';
import type { FindingRecord } from '../protocol.js';
import { ChosenButton, CopyAllButton } from './actions.js';
import { grouped } from './format.js';
import { Grid, type GridColumn } from './grid.js';
import type { Session } from './session.js';
import { ShownText } from './shown-text.js';

const COLUMNS: readonly GridColumn<FindingRecord>[] = [
  { name: 'Severity', width: '7em', cell: ({ severity }) => <span class={`severity ${severity}`}>{severity}</span> },
  { name: 'Rule', width: '11em', cell: ({ rule }) => rule },
  { name: 'Track', width: '5em', isNumber: true, cell: ({ track }) => track },
  { name: 'Offset', width: '8em', isNumber: true, cell: ({ offset }) => grouped(offset) },
  { name: 'What', width: 'minmax(30em, 1fr)', cell: ({ message }) => <ShownText text={message} most={400} /> },
];

/** What `checkStream` finds, and what would take the stream. */
export function FindingsPane({ session }: { readonly session: Session }) {
  const { findings, summary, damage } = session.data;
  const [picked, pick] = useState(-1);
  const fragment = session.data.fragment(session.cursor.value.fragment ?? -1);
  // The cursor may have gone elsewhere since: then the first finding there is the chosen one.
  const isHere = ({ offset }: FindingRecord) =>
    fragment !== undefined && offset >= fragment.offset && offset < fragment.offset + fragment.size;
  const last = findings[picked];
  const isLast =
    last !== undefined && (fragment === undefined || isHere(last) || last.offset === session.cursor.value.offset);
  const selected = isLast ? picked : findings.findIndex(isHere);
  const chosen = findings[selected];
  return (
    <>
      <div class="tools">
        <CopyAllButton what="Findings" make={() => ({ findings, ...summary })} />
        <ChosenButton
          chosen={chosen}
          onPress={({ offset }) => {
            session.toOffset(offset);
            session.show('elements');
          }}
        >
          Show the place
        </ChosenButton>
      </div>
      {summary !== undefined && (
        <ul class="playable" aria-label="What takes the stream">
          {Object.entries(summary.playable).map(([operation, isPlayable]) => {
            const obstacles = Object.entries(summary.obstacles).find(([name]) => name === operation)?.[1];
            return (
              <li key={operation} class={isPlayable ? 'yes' : 'no'}>
                {operation}: {isPlayable ? 'yes' : 'no: '}
                {!isPlayable && <ShownText text={(obstacles ?? []).join('; ')} most={300} />}
              </li>
            );
          })}
          {summary.omitted > 0 && <li>{grouped(summary.omitted)} more findings are not shown</li>}
          {damage.length > 0 && <li>{grouped(damage.length)} damaged places</li>}
        </ul>
      )}
      <Grid
        label="Findings"
        columns={COLUMNS}
        count={findings.length}
        row={(index) => findings[index]}
        selected={selected}
        onSelect={(index) => {
          pick(index);
          const finding = findings[index];
          if (finding !== undefined) session.toOffset(finding.offset);
        }}
        onOpen={() => session.show('elements')}
        rowClass={({ severity }) => (severity === 'error' ? 'bad' : undefined)}
        stamp={session.model.version.value}
        empty={session.data.state.phase === 'done' ? 'Nothing is wrong.' : 'Nothing so far.'}
      />
      {chosen !== undefined && (
        <p class="details">
          <ShownText text={chosen.message} most={2000} />
        </p>
      )}
    </>
  );
}
