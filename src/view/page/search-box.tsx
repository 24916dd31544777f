import { useRef, useState } from 'preact/hooks';
import type { ElementRecord } from '../protocol.js';
import { type Kind, queryOf } from './element-query.js';
import { grouped } from './format.js';
import { messageOf, type Session } from './session.js';
import { ShownText } from './shown-text.js';

const HINTS: Record<Kind, string> = {
  name: 'SimpleBlock',
  id: '0xA3',
  offset: '4096 or 0x1000',
  value: 'part of a value',
};

/** Looks for elements by name, id, offset or value. */
export function SearchBox(props: { readonly session: Session; readonly onFound: (element: ElementRecord) => void }) {
  const { session, onFound } = props;
  const [kind, setKind] = useState<Kind>('name');
  const [text, setText] = useState('');
  const [found, setFound] = useState<readonly ElementRecord[]>([]);
  const [at, setAt] = useState(-1);
  const [state, setState] = useState('');
  const running = useRef<AbortController>(null);
  const show = (list: readonly ElementRecord[], index: number) => {
    const element = list[index];
    if (element === undefined) return;
    setAt(index);
    onFound(element);
  };
  const search = async () => {
    running.current?.abort();
    const query = queryOf(kind, text);
    setFound([]);
    setAt(-1);
    if (query === undefined) {
      setState(kind === 'offset' || kind === 'id' ? `This is no ${kind}.` : '');
      return;
    }
    const stop = new AbortController();
    running.current = stop;
    setState('Searching…');
    const list: ElementRecord[] = [];
    try {
      const { found: total, more } = await session.ask('search', query, {
        signal: stop.signal,
        onPart: (part) => {
          const isFirst = list.length === 0;
          for (const element of part) list.push(element);
          setFound([...list]);
          // What lies deepest is what is at an offset.
          if (isFirst && kind !== 'offset') show(list, 0);
        },
      });
      setState(total === 0 ? 'Nothing was found.' : `${grouped(total)}${more ? ' and more' : ''} found`);
      if (kind === 'offset') show(list, list.length - 1);
    } catch (error) {
      if (!stop.signal.aborted) setState(messageOf(error));
    }
  };
  return (
    <form
      class="search"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        search();
      }}
    >
      <label>
        Find by{' '}
        <select value={kind} onChange={({ currentTarget }) => setKind(kindOf(currentTarget.value))}>
          <option value="name">name</option>
          <option value="id">id</option>
          <option value="offset">offset</option>
          <option value="value">value</option>
        </select>
      </label>
      <input
        type="search"
        aria-label={`Element ${kind}`}
        placeholder={HINTS[kind]}
        value={text}
        onInput={({ currentTarget }) => setText(currentTarget.value)}
      />
      <button type="submit">Find</button>
      <button type="button" disabled={at <= 0} onClick={() => show(found, at - 1)} aria-label="Previous find">
        ‹
      </button>
      <button
        type="button"
        disabled={at < 0 || at >= found.length - 1}
        onClick={() => show(found, at + 1)}
        aria-label="Next find"
      >
        ›
      </button>
      <span role="status">
        {at >= 0 && `${grouped(at + 1)} of `}
        <ShownText text={state} />
      </span>
    </form>
  );
}

function kindOf(text: string): Kind {
  return text === 'id' || text === 'offset' || text === 'value' ? text : 'name';
}
