import type { MkvTag } from './tag.js';

/** The producer's tag that says what Amazon Connect's frames are. */
const MIME_TYPE = 'mimetype';

/** Finds the producer's tag MimeType among tags that become more. Each is looked at once, however many tracks there are. */
export class MimeTypeTag {
  #tags: readonly MkvTag[] = [];
  #count = 0;
  #value: string | undefined;

  /** The value that counts, the last one; `undefined` where there is none. The list must be another one, or the same with more behind. */
  read(tags: readonly MkvTag[]): string | undefined {
    if (tags !== this.#tags) {
      this.#tags = tags;
      this.#count = 0;
      this.#value = undefined;
    }
    for (; this.#count < tags.length; this.#count++) {
      const { name, value } = tags[this.#count]!;
      if (name.toLowerCase() === MIME_TYPE) this.#value = value;
    }
    return this.#value;
  }
}
