/** What may be made up before anything has come: as much as the reader allocates on the word of a size. */
const FIRST = 1024 * 1024;

/**
 * Counts the bytes of the output for which none have come: Void elements in place of what is missing of Clusters, headers that are written
 * again. They may be as many as have come, and 1 MiB, so that no few bytes become many.
 */
export class MadeUpBytes {
  #made = 0;

  /**
   * Whether `length` more may be made up.
   *
   * @param came how many bytes of the input have come
   */
  allows(length: number, came: number): boolean {
    return this.#made + length <= FIRST + came;
  }

  /** Counts bytes that are made up. */
  add(length: number): void {
    this.#made += length;
  }
}
