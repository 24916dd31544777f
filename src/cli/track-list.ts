import { canDescendFrom } from '../ebml/element-type.js';
import { MKV_SCHEMA, Mkv } from '../mkv/elements.js';
import { StreamingMkvReader } from '../mkv/reader.js';
import { FragmentMetadataVisitor } from '../visitors/fragment-metadata-visitor.js';
import { printable } from './text.js';
import { watched } from './watched.js';

const ELEMENTS = [...MKV_SCHEMA.values()].filter(
  (type) => type === Mkv.Segment || type === Mkv.Tracks || canDescendFrom(type, Mkv.Tracks),
);

/** The most tracks that a message names. */
const MOST_NAMED = 16;

/** Finds the tracks of a stream, to name them where the user asks for one that is not there. */
export class TrackList {
  readonly #reader = new StreamingMkvReader({ elements: ELEMENTS, recover: true });
  readonly #visitor = new FragmentMetadataVisitor();
  readonly #names = new Map<number, string>();

  /** The same chunks, looked through as they are taken. */
  watch(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
    return watched(chunks, this.#reader, () => this.#read());
  }

  /** A message that something of a track is missing, with the tracks that there are. */
  explain(message: string): string {
    if (this.#names.size === 0) return message;
    return `${message}; the tracks are ${[...this.#names.values()].join(', ')}`;
  }

  #read(): void {
    for (let element = this.#reader.nextIfAvailable(); element; element = this.#reader.nextIfAvailable()) {
      void element.accept(this.#visitor);
      if (element.kind !== 'end' || element.type !== Mkv.Tracks) continue;
      for (const { number, type, codecId, name } of this.#visitor.tracks.values()) {
        if (this.#names.size >= MOST_NAMED) break;
        const parts = [type, codecId, ...(name === undefined ? [] : [name])];
        this.#names.set(number, `${number} (${parts.map(printable).join(', ')})`);
      }
    }
  }
}
