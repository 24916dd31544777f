import { searchElements } from './element-search.js';
import { fragmentFile } from './fragment-file.js';
import type { ElementRecord, FromWorker, ModelUpdate, RequestName, Requests, ToWorker } from './protocol.js';
import { type ReadingOptions, StreamReading } from './stream-reading.js';

/** So many bytes are given at once. */
const MOST_BYTES = 1024 * 1024;
/** So many children are given at once. */
const MOST_CHILDREN = 2000;

/** The part of a worker's scope, or of a `MessagePort`, that is used. */
export interface PagePort {
  postMessage(message: FromWorker, transfer: Transferable[]): void;
}

type Handlers = {
  [N in RequestName]: (
    params: Requests[N]['params'],
    signal: AbortSignal,
    part: (value: unknown) => void,
  ) => Promise<Requests[N]['result']>;
};

/** Answers what the page asks: the worker's side of the protocol. */
export class WorkerSession {
  readonly #port: PagePort;
  readonly #options: Omit<ReadingOptions, 'onUpdates'>;
  readonly #running = new Map<number, AbortController>();
  #reading: StreamReading | undefined;

  constructor(port: PagePort, options: Omit<ReadingOptions, 'onUpdates'> = {}) {
    this.#port = port;
    this.#options = options;
  }

  /** Takes a message of the page. */
  take(message: ToWorker): void {
    if (message.type === 'cancel') {
      this.#running.get(message.id)?.abort();
      return;
    }
    const { id } = message;
    const abort = new AbortController();
    this.#running.set(id, abort);
    this.#answer(message, abort.signal)
      .then(
        (result) => ({ type: 'result' as const, id, result }),
        (error: unknown) => ({
          type: 'failure' as const,
          id,
          message: error instanceof Error ? error.message : String(error),
        }),
      )
      .then((answer) => {
        this.#running.delete(id);
        if (!abort.signal.aborted) this.#port.postMessage(answer, []);
      });
  }

  #answer(message: Extract<ToWorker, { type: 'request' }>, signal: AbortSignal): Promise<unknown> {
    const { id } = message;
    const part = (value: unknown) => {
      if (!signal.aborted) this.#port.postMessage({ type: 'part', id, part: value }, []);
    };
    const run = <N extends RequestName>(name: N, params: Requests[N]['params']) =>
      this.#handlers[name](params, signal, part);
    return run(message.name, message.params);
  }

  get #open(): StreamReading {
    if (this.#reading === undefined) throw new Error('no stream is open');
    return this.#reading;
  }

  readonly #handlers: Handlers = {
    open: async ({ source, window }) => {
      this.#reading?.stop();
      const reading = new StreamReading(source, window, {
        ...this.#options,
        onUpdates: (updates) => {
          if (this.#reading === reading) this.#tell(updates);
        },
      });
      this.#reading = reading;
      void reading.run();
    },
    children: async ({ parent, from, count }) => {
      const { index, elements } = this.#open;
      const wanted: number[] = [];
      let total = 0;
      for (const child of index.elements.children(parent)) {
        if (total >= from && wanted.length < Math.min(count, MOST_CHILDREN)) wanted.push(child);
        total++;
      }
      const found = wanted.flatMap((element) => index.elements.get(element) ?? []);
      return { total, elements: await Promise.all(found.map((element) => elements.record(element))) };
    },
    path: async ({ element }) => {
      const { index, elements } = this.#open;
      const path: { element: ElementRecord; index: number }[] = [];
      for (let at: number | undefined = element; at !== undefined; ) {
        const found = index.elements.get(at);
        if (found === undefined) throw new Error('the element is not there, or no longer held');
        let place = 0;
        for (const sibling of index.elements.children(found.parent)) {
          if (sibling === at) break;
          place++;
        }
        path.unshift({ element: await elements.record(found), index: place });
        at = found.parent;
      }
      return path;
    },
    at: async ({ offset }) => this.#open.index.elements.innermostAt(offset),
    value: async ({ element }) => {
      const { index, elements } = this.#open;
      const found = index.elements.get(element);
      if (found === undefined) throw new Error('the element is not there, or no longer held');
      return elements.wholeText(found);
    },
    search: async (query, signal, part) => {
      const { index, elements } = this.#open;
      return searchElements(index.elements, elements, query, part, signal);
    },
    bytes: async ({ offset, length }) => {
      const bytes = await this.#open.source.read(offset, Math.min(length, MOST_BYTES));
      return new Uint8Array(bytes);
    },
    frame: ({ frame }) => this.#open.frames.file(frame),
    picture: ({ frame }) => this.#open.frames.picture(frame),
    run: ({ number, frame, count }) => this.#open.frames.run(number, frame, count),
    fragment: async ({ fragment }) => {
      const { index, source } = this.#open;
      const record = index.fragments.get(fragment);
      if (record === undefined) throw new Error(`fragment ${fragment} is not there, or no longer held`);
      return fragmentFile(record, index.fragments, index.elements, source);
    },
    close: async () => {
      this.#reading?.stop();
      this.#reading = undefined;
    },
  };

  #tell(updates: readonly ModelUpdate[]): void {
    const transfer = updates.flatMap((update) => {
      if (update.type !== 'frames') return [];
      return Object.values(update.frames).flatMap((column) => (typeof column === 'number' ? [] : column.buffer));
    });
    this.#port.postMessage({ type: 'update', updates }, transfer);
  }
}
