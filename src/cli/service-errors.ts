import { canDescendFrom } from '../ebml/element-type.js';
import { MKV_SCHEMA, Mkv } from '../mkv/elements.js';
import { StreamingMkvReader } from '../mkv/reader.js';
import type { FragmentMetadata, StreamError } from '../visitors/fragment-metadata.js';
import { FragmentMetadataVisitor } from '../visitors/fragment-metadata-visitor.js';
import { tell } from './terminal.js';
import { printable } from './text.js';
import { watched } from './watched.js';

/** What tells of an error: the Tags, and what says which fragment they are of. */
const ELEMENTS = [...MKV_SCHEMA.values()].filter(
  (type) => [Mkv.Segment, Mkv.Cluster, Mkv.Tags].some((wanted) => type === wanted) || canDescendFrom(type, Mkv.Tags),
);

/**
 * Looks in a saved body for errors that the service reports in the stream: it ends with one when the service could not go on, and the
 * rest is missing.
 *
 * ```ts
 * const errors = new ServiceErrors(file);
 * for await (const chunk of errors.watch(openInput(file))) …
 * errors.expectNone(values.recover);
 * ```
 */
export class ServiceErrors {
  readonly #name: string;
  // What is damaged is told by those who read the same bytes to make something of them.
  readonly #reader = new StreamingMkvReader({ elements: ELEMENTS, recover: true });
  readonly #visitor = new FragmentMetadataVisitor();
  #current: FragmentMetadata | undefined;
  #count = 0;

  /** @param name what to call the input where an error is told on standard error */
  constructor(name: string) {
    this.#name = name;
  }

  /** The same chunks, looked through as they are taken. */
  async *watch(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
    yield* watched(chunks, this.#reader, () => this.#read());
    this.#follow(undefined);
  }

  /**
   * To be called when all has been done.
   *
   * @throws Error when there were errors, unless that is to be put up with
   */
  expectNone(recover: boolean | undefined): void {
    this.#follow(undefined);
    if (this.#count > 0 && recover !== true)
      throw new Error(
        'the service reported an error in the stream, and the rest is missing; use --recover to accept what arrived',
      );
  }

  #read(): void {
    for (let element = this.#reader.nextIfAvailable(); element; element = this.#reader.nextIfAvailable()) {
      void element.accept(this.#visitor);
      this.#follow(this.#visitor.currentFragmentMetadata);
    }
  }

  /** Tells the error of a fragment when all has come that the service says of it. */
  #follow(next: FragmentMetadata | undefined): void {
    const current = this.#current;
    if (current === next) return;
    this.#current = next;
    if (current?.error === undefined) return;
    this.#count++;
    const number = current.fragmentNumber === undefined ? '' : `fragment ${printable(current.fragmentNumber)}: `;
    tell(`${this.#name}: ${number}${current.error.operation} error: ${errorText(current.error)}`);
  }
}

function errorText({ code, id, message }: StreamError): string {
  return printable([code, id, message].filter((part) => part !== undefined && part !== '').join(', '));
}
