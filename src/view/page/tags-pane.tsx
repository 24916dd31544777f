import { useState } from 'preact/hooks';
import { CopyAllButton } from './actions.js';
import { grouped } from './format.js';
import { Grid, type GridColumn } from './grid.js';
import type { PlacedTag } from './model.js';
import type { Session } from './session.js';
import { LongText, ShownText } from './shown-text.js';

const COLUMNS: readonly GridColumn<PlacedTag>[] = [
  { name: 'Fragment', width: '6.5em', isNumber: true, cell: ({ fragment }) => fragment.index + 1 },
  { name: 'Name', width: 'minmax(9em, 1fr)', cell: ({ tag }) => <ShownText text={tag.name} most={100} /> },
  { name: 'Value', width: 'minmax(14em, 3fr)', cell: ({ tag }) => <ShownText text={tag.value} most={200} /> },
  { name: 'Length', width: '6em', isNumber: true, cell: ({ tag }) => grouped(tag.length) },
  {
    name: 'Kind',
    width: '7em',
    cell: ({ tag, isService }) => (isService ? 'service' : tag.persistent ? 'persistent' : 'single'),
  },
];

function tagJson({ fragment: { fragmentNumber }, tag, isService }: PlacedTag): unknown {
  return {
    fragmentNumber: fragmentNumber ?? null,
    name: tag.name,
    value: tag.value,
    length: tag.length,
    persistent: tag.persistent,
    service: isService,
  };
}

/** The tags of the producer and of the service, each with its fragment. */
export function TagsPane({ session }: { readonly session: Session }) {
  const all = session.model.tags;
  const [kind, setKind] = useState('');
  const own = all.filter(({ isService }) => !isService).length;
  const tags = kind === '' ? all : all.filter(({ isService }) => isService === (kind === 'service'));
  const { fragment } = session.cursor.value;
  const [chosen, choose] = useState<PlacedTag>();
  // The cursor may have gone to another fragment since.
  const isChosen = chosen !== undefined && chosen.fragment.index === fragment;
  const same = ({ fragment: { index }, tag }: PlacedTag) =>
    isChosen ? tag === chosen.tag || (index === fragment && tag.element === chosen.tag.element) : index === fragment;
  const selected = fragment === undefined ? -1 : tags.findIndex(same);
  const shown = tags[selected];
  return (
    <>
      <div class="tools">
        <CopyAllButton what="Tags" make={() => tags.map(tagJson)} />
        <label>
          Tags of{' '}
          <select value={kind} onChange={({ currentTarget }) => setKind(currentTarget.value)}>
            <option value="">both</option>
            <option value="producer">the producer</option>
            <option value="service">the service</option>
          </select>
        </label>
        <span class="quiet">
          {grouped(own)} of the producer, {grouped(all.length - own)} of the service
        </span>
      </div>
      <Grid
        label="Tags"
        columns={COLUMNS}
        count={tags.length}
        row={(index) => tags[index]}
        selected={selected}
        onSelect={(index) => {
          const next = tags[index];
          if (next === undefined) return;
          choose(next);
          if (next.fragment.index !== fragment) session.toFragment(next.fragment.index);
        }}
        stamp={`${session.model.version.value} ${kind}`}
        empty="No tags."
      />
      {shown !== undefined && (
        <dl class="details" key={`${shown.fragment.index} ${shown.tag.element}`}>
          <dt>Name</dt>
          <dd>
            <ShownText text={shown.tag.name} most={1000} />
          </dd>
          <dt>Value</dt>
          <dd>
            <LongText
              text={shown.tag.value}
              length={shown.tag.length}
              load={
                shown.tag.element === undefined
                  ? undefined
                  : () => session.ask('value', { element: shown.tag.element ?? 0 })
              }
            />
          </dd>
        </dl>
      )}
    </>
  );
}
