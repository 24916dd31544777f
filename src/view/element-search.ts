import { type ElementIndex, type IndexedElement, nameOfId } from './element-index.js';
import type { ElementReader } from './element-reader.js';
import type { ElementQuery, ElementRecord } from './protocol.js';

const DEFAULT_LIMIT = 1000;
/** After so many elements others get their turn. */
const TURN = 20_000;
/** After so many milliseconds too: values have to be read. */
const TURN_MS = 20;
/** So many characters of a value are looked through. */
const MOST_TEXT = 4 * 1024 * 1024;

/** Goes on when other tasks have had their turn. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/**
 * Looks for elements, in document order.
 *
 * @param onFound is given them as they are found
 * @returns how many there were, and whether more fit
 */
export async function searchElements(
  index: ElementIndex,
  reader: ElementReader,
  query: ElementQuery,
  onFound: (elements: readonly ElementRecord[]) => void,
  signal: AbortSignal,
): Promise<{ found: number; more: boolean }> {
  const { limit = DEFAULT_LIMIT } = query;
  let found = 0;
  let part: ElementRecord[] = [];
  const flush = () => {
    if (part.length > 0) onFound(part);
    part = [];
  };
  const name = query.name?.toLowerCase();
  const value = query.value?.toLowerCase();
  let since = performance.now();
  let looked = 0;
  for (const element of candidates(index, query)) {
    if (++looked % TURN === 0 || performance.now() - since > TURN_MS) {
      flush();
      await turn();
      signal.throwIfAborted();
      since = performance.now();
    }
    // Of a stream that grows, it may have gone meanwhile.
    if (!index.has(element) || !fits(index.idOf(element), query.id, name)) continue;
    const indexed = index.get(element);
    if (indexed === undefined || (value !== undefined && !(await hasValue(reader, indexed, value)))) continue;
    if (found === limit) {
      flush();
      return { found, more: true };
    }
    found++;
    part.push(await reader.record(indexed));
  }
  flush();
  return { found, more: false };
}

function* candidates(index: ElementIndex, { offset }: ElementQuery): Generator<number, void> {
  if (offset === undefined) {
    for (let element = index.first; element < index.end; element++) yield element;
    return;
  }
  const path: number[] = [];
  for (let at = index.innermostAt(offset); at !== undefined; at = index.get(at)?.parent) path.unshift(at);
  yield* path;
}

function fits(id: number, wanted: number | undefined, name: string | undefined): boolean {
  if (wanted !== undefined && wanted !== id) return false;
  return name === undefined || (nameOfId(id) ?? '').toLowerCase().includes(name);
}

async function hasValue(reader: ElementReader, element: IndexedElement, wanted: string): Promise<boolean> {
  if (element.master) return false;
  const { text } = await reader.valueText(element, MOST_TEXT);
  return text.toLowerCase().includes(wanted);
}
