import type { ComponentChildren, VNode } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { takeKey } from './keys.js';
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
  // biome-ignore lint/correctness/useExhaustiveDependencies: a selection is shown once: rows that come later do not scroll the table
  useEffect(() => {
    if (selected >= 0 && selected < count) show(selected);
  }, [selected]);

  const onKeyDown = (event: KeyboardEvent) => {
    if (count === 0) return;
    const page = pageOf(scroller.current);
    const select = (place: number) => onSelect(Math.min(Math.max(place, 0), count - 1));
    takeKey(event, {
      ArrowDown: () => select(selected + 1),
      ArrowUp: () => select(selected - 1),
      PageDown: () => select(selected + page),
      PageUp: () => select(selected - page),
      Home: () => select(0),
      End: () => select(count - 1),
      Enter: () => {
        if (selected >= 0) onOpen?.(selected);
      },
    });
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
        const index = rowIndex(event);
        if (index !== undefined) onSelect(index);
      }}
      onDblClick={(event) => {
        const index = rowIndex(event);
        if (index !== undefined) onOpen?.(index);
      }}
    >
      <GridHead columns={columns} template={template} />
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

/** The names of the columns, above the rows of a grid or a tree. */
export function GridHead(props: {
  readonly columns: readonly { readonly name: string; readonly isNumber?: boolean }[];
  /** Widths of the columns, where the style sheet does not have them. */
  readonly template?: string;
}) {
  const { columns, template } = props;
  return (
    <div role="rowgroup" class="grid-head">
      <div role="row" aria-rowindex={1} class="grid-row" style={template && { gridTemplateColumns: template }}>
        {columns.map(({ name, isNumber }) => (
          <div role="columnheader" key={name} class={isNumber ? 'number' : undefined}>
            {name}
          </div>
        ))}
      </div>
    </div>
  );
}

/** How many rows Page Up and Page Down go. */
export function pageOf(scroller: HTMLElement | null): number {
  return Math.max(1, Math.floor((scroller?.clientHeight ?? 0) / ROW_HEIGHT) - 2);
}

/** Index of the row that a click is on. */
export function rowIndex({ target }: MouseEvent): number | undefined {
  const row = target instanceof Element ? target.closest<HTMLElement>('[data-index]') : null;
  return row === null ? undefined : Number(row.dataset['index']);
}
