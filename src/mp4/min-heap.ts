/** Numbers of which the smallest is taken first; each step takes time with the logarithm of how many there are. */
export class MinHeap {
  readonly #values: number[] = [];

  /** How many there are. */
  get size(): number {
    return this.#values.length;
  }

  /** The smallest. */
  get least(): number | undefined {
    return this.#values[0];
  }

  /** Adds a number. */
  add(value: number): void {
    const values = this.#values;
    let at = values.length;
    for (; at > 0; at = (at - 1) >> 1) {
      const parent = values[(at - 1) >> 1]!;
      if (parent <= value) break;
      values[at] = parent;
    }
    values[at] = value;
  }

  /** Takes the smallest. */
  take(): number | undefined {
    const values = this.#values;
    const least = values[0];
    const last = values.pop();
    if (last === undefined || values.length === 0) return least;
    const half = values.length >> 1;
    let at = 0;
    while (at < half) {
      let child = 2 * at + 1;
      if (child + 1 < values.length && values[child + 1]! < values[child]!) child++;
      if (values[child]! >= last) break;
      values[at] = values[child]!;
      at = child;
    }
    values[at] = last;
    return least;
  }
}
