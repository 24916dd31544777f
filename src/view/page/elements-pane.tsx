import { useEffect, useId, useMemo, useRef, useState } from 'preact/hooks';
import type { ElementRecord } from '../protocol.js';
import { ChosenButton } from './actions.js';
import { ElementTree } from './element-tree.js';
import { copyJson } from './files.js';
import { countText, grouped, offsetText } from './format.js';
import { GridHead, pageOf, ROW_HEIGHT, rowIndex } from './grid.js';
import { HexPane } from './hex-pane.js';
import { takeKey } from './keys.js';
import { SearchBox } from './search-box.js';
import type { Session } from './session.js';
import { LongText, ShownText } from './shown-text.js';
import { useVirtualRows } from './virtual-rows.js';

/** What an element is called: its name, or its id where that has none. */
function elementName({ name, id }: ElementRecord): string {
  if (id === 0) return 'damaged bytes';
  return name ?? `unknown 0x${id.toString(16)}`;
}

/** The tree of elements, the bytes of the one that is chosen, and the search. */
export function ElementsPane({ session }: { readonly session: Session }) {
  const tree = useMemo(() => new ElementTree(session.ask), [session]);
  const { data } = session;
  const { offset } = session.cursor.value;
  const { version } = session.model;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the version says that the tree has more elements
  useEffect(() => {
    tree.refresh().catch(() => {});
  }, [tree, version.value]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the tree is the session's
  useEffect(() => {
    if (offset === undefined || tree.chosen.peek()?.offset === offset) return;
    const given = new AbortController();
    session
      .ask('at', { offset }, { signal: given.signal })
      .then((element) => (element === undefined || given.signal.aborted ? undefined : tree.reveal(element)))
      .catch(() => {});
    return () => given.abort();
  }, [tree, offset]);
  const chosen = tree.chosen.value;
  const choose = (element: ElementRecord) => {
    tree.chosen.value = element;
    if (element.frame !== undefined && data.frames.has(element.frame)) session.toFrame(element.frame);
    else session.toOffset(element.offset);
  };
  return (
    <>
      <div class="tools">
        <SearchBox
          session={session}
          onFound={(element) => {
            tree
              .reveal(element.element)
              .then(() => choose(element))
              .catch(() => {});
          }}
        />
        <ChosenButton chosen={chosen} onPress={(element) => copyJson('Element', elementJson(element))}>
          Copy element as JSON
        </ChosenButton>
        <ChosenButton chosen={chosen?.frame} onPress={() => session.show('frames')}>
          Show frame
        </ChosenButton>
      </div>
      <Tree tree={tree} onChoose={choose} />
      {chosen !== undefined && (
        <div class="details">
          <h3>
            {elementName(chosen)} <code>{chosen.id === 0 ? '' : `0x${chosen.id.toString(16)}`}</code>
          </h3>
          <p>
            Offset {offsetText(chosen.offset)}, header {chosen.headerSize} bytes, data{' '}
            {chosen.unknownSize ? 'of unknown size, ' : ''}
            {grouped(chosen.dataSize)} bytes{chosen.truncated ? ', cut short' : ''}
          </p>
          {chosen.value !== undefined && (
            <LongText
              key={chosen.element}
              text={chosen.value}
              length={chosen.cut ? Math.max(chosen.value.length + 1, chosen.dataSize) : undefined}
              load={chosen.cut ? () => session.ask('value', { element: chosen.element }) : undefined}
            />
          )}
          <HexPane session={session} element={chosen} />
        </div>
      )}
    </>
  );
}

function elementJson(element: ElementRecord): unknown {
  return {
    id: `0x${element.id.toString(16)}`,
    name: element.name ?? null,
    level: element.level,
    offset: element.offset,
    headerSize: element.headerSize,
    dataSize: element.unknownSize ? null : element.dataSize,
    ...(element.value === undefined ? {} : { value: element.value }),
  };
}

const COLUMNS = [
  { name: 'Element' },
  { name: 'Offset', isNumber: true },
  { name: 'Header', isNumber: true },
  { name: 'Data', isNumber: true },
  { name: 'Value' },
];

function Tree({ tree, onChoose }: { readonly tree: ElementTree; readonly onChoose: (element: ElementRecord) => void }) {
  const id = useId();
  const scroller = useRef<HTMLDivElement>(null);
  const { count } = tree;
  const { rows, height, show } = useVirtualRows(scroller, count, ROW_HEIGHT, ROW_HEIGHT);
  const chosen = tree.chosen.value;
  const [place, setPlace] = useState(-1);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the count says that elements have moved; the tree and the table stay
  useEffect(() => {
    const at = chosen === undefined ? -1 : tree.placeOf(chosen.element);
    setPlace(at);
    if (at >= 0) show(at);
  }, [chosen, count]);
  const chooseAt = (at: number) => {
    const element = tree.row(Math.min(Math.max(at, 0), count - 1))?.element;
    if (element !== undefined) onChoose(element);
    else show(at);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const page = pageOf(scroller.current);
    const isOpen = chosen !== undefined && tree.isOpen(chosen.element);
    takeKey(event, {
      ArrowDown: () => chooseAt(place + 1),
      ArrowUp: () => chooseAt(place - 1),
      PageDown: () => chooseAt(place + page),
      PageUp: () => chooseAt(place - page),
      Home: () => chooseAt(0),
      End: () => chooseAt(count - 1),
      ArrowRight: () => {
        if (chosen?.master === true && !isOpen) tree.toggle(chosen, true).catch(() => {});
        else if (isOpen) chooseAt(place + 1);
      },
      ArrowLeft: () => {
        if (chosen !== undefined && isOpen) tree.toggle(chosen, false).catch(() => {});
        else if (chosen?.parent !== undefined) chooseAt(tree.placeOf(chosen.parent));
      },
      Enter: () => {
        if (chosen !== undefined) tree.toggle(chosen).catch(() => {});
      },
    });
  };
  const elementAt = (event: MouseEvent) => tree.row(rowIndex(event) ?? -1)?.element;
  const onClick = (event: MouseEvent) => {
    const { target } = event;
    const element = elementAt(event);
    if (element === undefined) return;
    if (target instanceof Element && target.closest('.twist') !== null) tree.toggle(element).catch(() => {});
    else onChoose(element);
  };
  return (
    <div
      class="grid tree"
      role="treegrid"
      ref={scroller}
      tabIndex={0}
      aria-label="Elements"
      aria-rowcount={count + 1}
      aria-colcount={COLUMNS.length}
      aria-activedescendant={rows.some(({ index }) => index === place) ? `${id}-${place}` : undefined}
      onKeyDown={onKeyDown}
      onClick={onClick}
      onDblClick={(event) => {
        const element = elementAt(event);
        if (element !== undefined) tree.toggle(element).catch(() => {});
      }}
    >
      <GridHead columns={COLUMNS} />
      <div role="rowgroup" class="grid-body" style={{ height: `${height}px` }}>
        {rows.map(({ index, start }) => {
          const row = tree.row(index);
          if (row === undefined) return null;
          const { element, level } = row;
          const isOpen = element !== undefined && tree.isOpen(element.element);
          return (
            <div
              role="row"
              key={index}
              id={`${id}-${index}`}
              data-index={index}
              aria-rowindex={index + 2}
              aria-level={level}
              aria-posinset={row.index + 1}
              aria-setsize={tree.siblings(row.parent)}
              aria-expanded={element?.master === true ? isOpen : undefined}
              aria-selected={index === place}
              class={`grid-row ${element?.id === 0 || element?.truncated === true ? 'bad' : ''}`}
              style={{ transform: `translateY(${start}px)` }}
            >
              {element === undefined ? (
                <div role="gridcell">…</div>
              ) : (
                <>
                  <div role="gridcell" style={{ paddingInlineStart: `${level - 0.6}em` }}>
                    {element.master ? (
                      <span class="twist" aria-hidden="true">
                        {isOpen ? '▾' : '▸'}
                      </span>
                    ) : (
                      <span class="twist" />
                    )}
                    {elementName(element)}
                  </div>
                  <div role="gridcell" class="number">
                    {grouped(element.offset)}
                  </div>
                  <div role="gridcell" class="number">
                    {element.headerSize}
                  </div>
                  <div role="gridcell" class="number">
                    {element.unknownSize ? `(${grouped(element.dataSize)})` : grouped(element.dataSize)}
                  </div>
                  <div role="gridcell">
                    {element.value !== undefined && <ShownText text={element.value} most={160} />}
                    {element.master && element.children > 0 && (
                      <span class="quiet">{countText(element.children, 'element')}</span>
                    )}
                  </div>
                </>
              )}
            </div>
          );
        })}
      </div>
    </div>
  );
}
