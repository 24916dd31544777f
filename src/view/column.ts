type Values = Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

/** How many values there is room for at first. */
const FIRST_ROOM = 256;

/** Numbers in a row that grows at its end and can be cut at its beginning: what a great many things are kept in. */
export class Column<T extends Values = Values> {
  readonly #make: (length: number) => T;
  readonly #part: (values: T, from: number, to: number) => T;
  #values: T;
  #length = 0;

  /**
   * @param make makes an array of so many zeros
   * @param part gives a view of a part
   */
  constructor(make: (length: number) => T, part: (values: T, from: number, to: number) => T) {
    this.#make = make;
    this.#part = part;
    this.#values = make(0);
  }

  static bytes(): Column<Uint8Array<ArrayBuffer>> {
    return new Column(
      (length) => new Uint8Array(length),
      (values, from, to) => values.subarray(from, to),
    );
  }

  static shorts(): Column<Uint16Array<ArrayBuffer>> {
    return new Column(
      (length) => new Uint16Array(length),
      (values, from, to) => values.subarray(from, to),
    );
  }

  static integers(): Column<Uint32Array<ArrayBuffer>> {
    return new Column(
      (length) => new Uint32Array(length),
      (values, from, to) => values.subarray(from, to),
    );
  }

  static floats(): Column<Float64Array<ArrayBuffer>> {
    return new Column(
      (length) => new Float64Array(length),
      (values, from, to) => values.subarray(from, to),
    );
  }

  get length(): number {
    return this.#length;
  }

  /** The values: a view of what is there by now. */
  get values(): T {
    return this.#part(this.#values, 0, this.#length);
  }

  /** A copy of a part, in memory of its own, to be handed to another thread. */
  slice(from: number, to: number): T {
    const copy = this.#make(Math.max(0, to - from));
    copy.set(this.#values.subarray(from, to));
    return copy;
  }

  /** The value at a place below `length`. */
  at(index: number): number {
    return this.#values[index] ?? 0;
  }

  set(index: number, value: number): void {
    this.#values[index] = value;
  }

  push(value: number): void {
    this.#makeRoom(1);
    this.#values[this.#length++] = value;
  }

  append(values: T): void {
    this.#makeRoom(values.length);
    this.#values.set(values, this.#length);
    this.#length += values.length;
  }

  /** Takes the first values away. */
  drop(count: number): void {
    const gone = Math.min(count, this.#length);
    if (gone <= 0) return;
    this.#move(gone, this.#length - gone);
    this.#length -= gone;
  }

  #makeRoom(more: number): void {
    const needed = this.#length + more;
    if (needed > this.#values.length) this.#move(0, Math.max(FIRST_ROOM, needed, Math.ceil(this.#length * 1.5)));
  }

  #move(from: number, room: number): void {
    const moved = this.#make(room);
    moved.set(this.#values.subarray(from, this.#length));
    this.#values = moved;
  }
}
