type Values = Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

/** The arrays of one kind. */
interface ArrayKind<T extends Values> {
  readonly BYTES_PER_ELEMENT: number;
  new (length: number): T;
  new (buffer: ArrayBuffer, offset?: number, length?: number): T;
}

/** How many values there is room for at first. */
const FIRST_ROOM = 256;
/** So many values may grow in place; more are copied as they grow. Only what is used takes memory. */
const MOST_IN_PLACE = 1 << 22;

/** An `ArrayBuffer` that grows in place, which the library's TypeScript target does not know. */
interface ResizableBuffer extends ArrayBuffer {
  resize(size: number): void;
}

/** Numbers in a row that grows at its end and can be cut at its beginning: what a great many things are kept in. */
export class Column<T extends Values = Values> {
  readonly #kind: ArrayKind<T>;
  #buffer: ArrayBuffer;
  #values: T;
  #view: T | undefined;
  #length = 0;

  /** @param kind the class of its arrays */
  constructor(kind: ArrayKind<T>) {
    this.#kind = kind;
    this.#buffer = makeBuffer(kind.BYTES_PER_ELEMENT, 0);
    this.#values = new kind(this.#buffer, 0, 0);
  }

  static bytes(): Column<Uint8Array<ArrayBuffer>> {
    return new Column<Uint8Array<ArrayBuffer>>(Uint8Array);
  }

  static shorts(): Column<Uint16Array<ArrayBuffer>> {
    return new Column<Uint16Array<ArrayBuffer>>(Uint16Array);
  }

  static integers(): Column<Uint32Array<ArrayBuffer>> {
    return new Column<Uint32Array<ArrayBuffer>>(Uint32Array);
  }

  static floats(): Column<Float64Array<ArrayBuffer>> {
    return new Column<Float64Array<ArrayBuffer>>(Float64Array);
  }

  get length(): number {
    return this.#length;
  }

  /** The values: a view of what is there by now, the same one until there are others. */
  get values(): T {
    if (this.#view?.length !== this.#length || this.#view.buffer !== this.#buffer) {
      this.#view = new this.#kind(this.#buffer, 0, this.#length);
    }
    return this.#view;
  }

  /** A copy of a part, in memory of its own, to be handed to another thread. */
  slice(from: number, to: number): T {
    const copy = new this.#kind(Math.max(0, to - from));
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
    if (this.#length === this.#values.length) this.#grow(1);
    this.#values[this.#length++] = value;
  }

  append(values: T): void {
    if (this.#length + values.length > this.#values.length) this.#grow(values.length);
    this.#values.set(values, this.#length);
    this.#length += values.length;
  }

  /** Takes the first values away. Views that were given before stay what they are. */
  drop(count: number): void {
    const gone = Math.min(count, this.#length);
    if (gone <= 0) return;
    const kept = this.#values.subarray(gone, this.#length);
    this.#length -= gone;
    this.#replace(this.#length, kept);
  }

  #grow(more: number): void {
    const needed = this.#length + more;
    const inPlace = isResizable(this.#buffer) && needed <= MOST_IN_PLACE;
    // What grows in place costs nothing to grow, so it need not grow far.
    const room = Math.max(FIRST_ROOM, needed, Math.ceil(this.#length * (inPlace ? 1.125 : 1.5)));
    if (!isResizable(this.#buffer) || room > MOST_IN_PLACE) {
      this.#replace(room, this.#values.subarray(0, this.#length));
      return;
    }
    this.#buffer.resize(room * this.#kind.BYTES_PER_ELEMENT);
    this.#values = new this.#kind(this.#buffer, 0, room);
  }

  #replace(room: number, kept: Values): void {
    this.#buffer = makeBuffer(this.#kind.BYTES_PER_ELEMENT, room);
    this.#values = new this.#kind(this.#buffer, 0, room);
    this.#values.set(kept);
  }
}

function isResizable(buffer: ArrayBuffer): buffer is ResizableBuffer {
  return 'resizable' in buffer && buffer.resizable === true;
}

/** A buffer that can grow in place, where the runtime has such ones. */
function makeBuffer(size: number, room: number): ArrayBuffer {
  const most = { maxByteLength: Math.max(room, MOST_IN_PLACE) * size };
  const made: unknown = Reflect.construct(ArrayBuffer, room > MOST_IN_PLACE ? [room * size] : [room * size, most]);
  return made instanceof ArrayBuffer ? made : new ArrayBuffer(room * size);
}
