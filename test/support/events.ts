import type { MkvElement } from '../../src/mkv/element.js';
import { MkvParseError } from '../../src/mkv/parse-error.js';
import { type MkvReaderOptions, StreamingMkvReader } from '../../src/mkv/reader.js';

/** All that can be told of an element, as a line, so that lists of them compare quickly and differ legibly. */
export function describeElement(element: {
  readonly kind: string;
  readonly id: number;
  readonly offset: number;
  readonly headerSize: number;
  readonly dataSize: number | undefined;
  readonly path: readonly number[];
  readonly data?: Uint8Array | undefined;
  readonly truncated?: boolean | undefined;
}): string {
  const { kind, id, offset, headerSize, dataSize, path, data, truncated } = element;
  const where = [...path, id].map((each) => each.toString(16)).join('/');
  const bytes = data === undefined ? '' : ` ${Buffer.from(data.buffer, data.byteOffset, data.length).toString('hex')}`;
  return `${kind} ${where} at ${offset} header ${headerSize} size ${dataSize}${bytes}${truncated === true ? ' cut' : ''}`;
}

function describe(element: MkvElement): string {
  return describeElement({
    kind: element.kind,
    id: element.type.id,
    offset: element.offset,
    headerSize: element.headerSize,
    dataSize: element.dataSize,
    path: element.path.map((master) => master.type.id),
    data: element.kind === 'data' ? element.data : undefined,
    truncated: element.kind === 'end' ? element.truncated : undefined,
  });
}

/** What reading gave. */
export interface Events {
  /** Elements, gaps and warnings as lines, in the order in which they came; the error that ended it, if any, last. */
  readonly all: string[];
  /** The elements among them. */
  readonly elements: string[];
  /** The header and data bytes of the elements behind each other. */
  readonly bytes: Uint8Array;
}

/** Reads chunks, taking all elements after each, and writes down everything that happens. */
export function readEvents(chunks: Iterable<Uint8Array>, options: MkvReaderOptions): Events {
  const all: string[] = [];
  const elements: string[] = [];
  const parts: Uint8Array[] = [];
  const reader = new StreamingMkvReader({
    ...options,
    onGap: ({ offset, length, reason }) => all.push(`gap at ${offset} of ${length}: ${reason}`),
    onWarning: ({ code, offset, message }) => all.push(`warning ${code} at ${offset}: ${message}`),
  });
  const drain = () => {
    for (let element = reader.nextIfAvailable(); element !== undefined; element = reader.nextIfAvailable()) {
      const line = describe(element);
      all.push(line);
      elements.push(line);
      parts.push(element.rawHeader);
      if (element.kind === 'data') parts.push(element.data);
    }
  };
  try {
    for (const chunk of chunks) {
      reader.push(chunk);
      drain();
    }
    reader.end();
    drain();
    all.push(`the end${reader.truncated ? ', truncated' : ''}${reader.mightHaveNext() ? ', not all taken' : ''}`);
  } catch (error) {
    if (!(error instanceof MkvParseError)) throw error;
    all.push(`error ${error.code}: ${error.message}`);
  }
  return { all, elements, bytes: Buffer.concat(parts) };
}
