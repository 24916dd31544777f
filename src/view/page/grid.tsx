import type { ComponentChildren, VNode } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { useVirtualRows } from './virtual-rows.js';

/** A column of a {@link Grid}. */
export interface GridColumn<R> {
  readonly name: string;
  /** A track size of CSS grid. */
  readonly width: string;
  /** Whether it holds numbers, which are set at the end of their column. */
  readonly isNumber?: boolean;
  cell(row: R): ComponentChildren;
}

/** Height of a row, in pixels: as in the style sheet. */
export const ROW_HEIGHT = 26;

/** So many rows that were drawn are kept. */
const MOST_KEPT = 400;

/** A table of any length of which the rows in sight are drawn. Up and down, Page Up and Page Down, Home and End go through it. */
export function Grid<R>(props: {
  readonly label: string;
  readonly columns: readonly GridColumn<R>[];
  readonly count: number;
  readonly row: (index: number) => R | undefined;
  /** Index of the row that the cursor is on; -1 for none. */
  readonly selected: number;
  readonly onSelect: (index: number) => void;
  /** Is called for Enter and for a double click. */
  readonly onOpen?: ((index: number) => void) | undefined;
  /** A class for a row, such as of one with an error. */
  readonly rowClass?: ((row: R) => string | undefined) | undefined;
  /** Is another one when rows may have changed: while it is the same, a row that was drawn is not made again. */
  readonly stamp: string | number;
  /** What stands there when there are no rows. */
  readonly empty: string;
}) {
  const { columns, count, selected, onSelect, onOpen } = props;
  const id = useId();
  const scroller = useRef<HTMLDivElement>(null);
  const { rows, height, show } = useVirtualRows(scroller, count, ROW_HEIGHT, ROW_HEIGHT);
  useEffect(() => {
    if (selected >= 0 && selected < count) show(selected);
  }, [selected]);

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / ROW_HEIGHT) - 2);
    const places: Record<string, number> = {
      ArrowDown: selected + 1,
      ArrowUp: Math.max(selected, 0) - 1,
      PageDown: selected + page,
      PageUp: selected - page,
      Home: 0,
      End: count - 1,
    };
    const place = places[event.key];
    if (place !== undefined && count > 0) onSelect(Math.min(Math.max(place, 0), count - 1));
    else if (event.key === 'Enter' && selected >= 0) onOpen?.(selected);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const indexOf = (event: MouseEvent) => {
    const row = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-index]') : null;
    return row === null ? undefined : Number(row.dataset['index']);
  };
  const kept = useRef<{ stamp: string | number; rows: Map<string, VNode> }>({ stamp: props.stamp, rows: new Map() });
  if (kept.current.stamp !== props.stamp || kept.current.rows.size > MOST_KEPT) {
    kept.current = { stamp: props.stamp, rows: new Map() };
  }
  const isDrawn = rows.some(({ index }) => index === selected);
  const template = columns.map(({ width }) => width).join(' ');
  return (
    <div
      class="grid"
      role="grid"
      ref={scroller}
      tabIndex={0}
      aria-label={props.label}
      aria-rowcount={count + 1}
      aria-colcount={columns.length}
      aria-activedescendant={isDrawn ? `${id}-${selected}` : undefined}
      onKeyDown={onKeyDown}
      onClick={(event) => {
        const index = indexOf(event);
        if (index !== undefined) onSelect(index);
      }}
      onDblClick={(event) => {
        const index = indexOf(event);
        if (index !== undefined) onOpen?.(index);
      }}
    >
      <div role="rowgroup" class="grid-head">
        <div role="row" aria-rowindex={1} class="grid-row" style={{ gridTemplateColumns: template }}>
          {columns.map(({ name, isNumber }) => (
            <div role="columnheader" key={name} class={isNumber ? 'number' : undefined}>
              {name}
            </div>
          ))}
        </div>
      </div>
      <div role="rowgroup" class="grid-body" style={{ height: `${height}px` }}>
        {rows.map(({ index, start }) => {
          const key = `${index} ${index === selected}`;
          const drawn = kept.current.rows.get(key);
          if (drawn !== undefined) return drawn;
          const row = props.row(index);
          if (row === undefined) return null;
          const made = (
            <div
              role="row"
              key={index}
              id={`${id}-${index}`}
              data-index={index}
              aria-rowindex={index + 2}
              aria-selected={index === selected}
              class={`grid-row ${props.rowClass?.(row) ?? ''}`}
              style={{ gridTemplateColumns: template, transform: `translateY(${start}px)` }}
            >
              {columns.map(({ name, isNumber, cell }) => (
                <div role="gridcell" key={name} class={isNumber ? 'number' : undefined}>
                  {cell(row)}
                </div>
              ))}
            </div>
          );
          kept.current.rows.set(key, made);
          return made;
        })}
      </div>
      {count === 0 && (
        <div role="row" class="grid-empty">
          <div role="gridcell">{props.empty}</div>
        </div>
      )}
    </div>
  );
}
