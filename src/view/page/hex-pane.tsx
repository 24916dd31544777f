import { useEffect, useState } from 'preact/hooks';
import type { ElementRecord } from '../protocol.js';
import { grouped } from './format.js';
import { hexRows, ROW } from './hex-rows.js';
import { messageOf, type Session } from './session.js';

/** So many bytes are shown at a time. */
const WINDOW = 1024;

/** The bytes of an element. */
export function HexPane({ session, element }: { readonly session: Session; readonly element: ElementRecord }) {
  const begin = element.offset - (element.offset % ROW);
  const end = element.offset + element.headerSize + element.dataSize;
  const [from, setFrom] = useState(begin);
  const [bytes, setBytes] = useState<{ readonly offset: number; readonly bytes: Uint8Array }>();
  const [problem, setProblem] = useState('');
  // biome-ignore lint/correctness/useExhaustiveDependencies: another element begins at its first byte, also where it shares a row with the one before
  useEffect(() => setFrom(begin), [element.element]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: elements of the same place are read again, for what was there may have been dropped; the session stays
  useEffect(() => {
    const stop = new AbortController();
    const length = Math.min(WINDOW, Math.ceil((end - from) / ROW) * ROW);
    session
      .ask('bytes', { offset: from, length }, { signal: stop.signal })
      .then((read) => {
        setBytes({ offset: from, bytes: read });
        setProblem(read.length === 0 ? 'These bytes are no longer held.' : '');
      })
      .catch((error: unknown) => {
        if (!stop.signal.aborted) setProblem(messageOf(error));
      });
    return () => stop.abort();
  }, [from, end, element.element]);
  return (
    <div class="hex">
      {end - begin > WINDOW && (
        <p class="tools">
          <button type="button" disabled={from <= begin} onClick={() => setFrom(Math.max(begin, from - WINDOW))}>
            Bytes before
          </button>
          <button type="button" disabled={from + WINDOW >= end} onClick={() => setFrom(from + WINDOW)}>
            Bytes after
          </button>
          <span class="quiet">
            {grouped(from - begin)} of {grouped(end - begin)}
          </span>
        </p>
      )}
      {problem !== '' && <p role="alert">{problem}</p>}
      {bytes !== undefined && (
        <pre tabIndex={0} role="group" aria-label="Bytes of the element: header and data are marked">
          {hexRows(bytes.bytes, bytes.offset, element).map(({ offset, runs }) => (
            <div key={offset}>
              <span class="quiet">{offset.toString(16).padStart(8, '0')}</span>
              {'  '}
              {runs.map(({ part, hex }, index) => (
                <span key={part}>
                  {index > 0 ? ' ' : ''}
                  <span class={part}>{hex}</span>
                </span>
              ))}
              {' '.repeat(2 + 3 * (ROW - runs.reduce((sum, { text }) => sum + text.length, 0)))}
              {runs.map(({ part, text }) => (
                <span class={part} key={part}>
                  {text}
                </span>
              ))}
            </div>
          ))}
        </pre>
      )}
      <p class="legend" aria-hidden="true">
        <span class="header">header</span> <span class="data">data</span>
      </p>
    </div>
  );
}
