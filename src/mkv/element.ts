import { ByteRun, type DataRun } from '../ebml/byte-run.js';
import type { Bytes } from '../ebml/bytes.js';
import type { EbmlElementType } from '../ebml/element-type.js';
import { pathOf } from '../ebml/path.js';
import { count } from '../ebml/plural.js';
import { decodeString } from '../ebml/text.js';
import { dateFromEbml, decodeBigInt, decodeBigUint, decodeFloat, decodeUint } from '../ebml/values.js';
import { headerBytes } from '../ebml/vint.js';
import { Block } from './block.js';
import type { ElementVisitor, MaybePromise } from './element-visitor.js';
import { Mkv, type MkvDataType, type MkvMasterType } from './elements.js';
import { MkvParseError } from './parse-error.js';

const NO_BYTES = new Uint8Array(0);
const NO_PATH: readonly MkvStartMasterElement[] = Object.freeze([]);

/** What all elements have. */
abstract class MkvElementBase {
  /** The element's entry in the table {@link Mkv}; for an id that Matroska does not know, an entry without a name. */
  readonly type: EbmlElementType;
  /** Of the element's first byte, from the start of the stream; for an end, of the byte after the master's last. */
  readonly offset: number;
  /** Length of id and size, in bytes. */
  readonly headerSize: number;
  /** Length of the data in bytes; `undefined` when the size is unknown (RFC 8794 section 6.2). */
  readonly dataSize: number | undefined;
  /** The master that holds the element. */
  readonly parent: MkvStartMasterElement | undefined;

  /** @internal */
  constructor(
    type: EbmlElementType,
    offset: number,
    headerSize: number,
    dataSize: number | undefined,
    parent: MkvStartMasterElement | undefined,
  ) {
    this.type = type;
    this.offset = offset;
    this.headerSize = headerSize;
    this.dataSize = dataSize;
    this.parent = parent;
  }

  /** The masters that hold the element, outermost first. */
  get path(): readonly MkvStartMasterElement[] {
    return this.parent?.childPath ?? NO_PATH;
  }

  /** The bytes of id and size as they arrived, in an array of its own. */
  get rawHeader(): Bytes {
    return headerBytes(this.type.id, this.dataSize, this.headerSize);
  }

  /** Whether `type` is the element's type: an entry of {@link Mkv}. Informs TypeScript what its value is. */
  is(type: MkvMasterType): this is (MkvStartMasterElement | MkvEndMasterElement) & { readonly type: MkvMasterType };
  is<V>(type: MkvDataType<V>): this is MkvDataElement<V> & { readonly type: MkvDataType<V> };
  is(type: EbmlElementType): boolean {
    return this.type === type;
  }
}

/** The beginning of a master element: its id and size. Its children follow, then its {@link MkvEndMasterElement}. */
export class MkvStartMasterElement extends MkvElementBase {
  #childPath: readonly MkvStartMasterElement[] | undefined;

  /** Tells the three kinds of element apart. */
  get kind(): 'start' {
    return 'start';
  }

  /** The path of the element's children: its own and itself. */
  get childPath(): readonly MkvStartMasterElement[] {
    this.#childPath ??= Object.freeze([...this.path, this]);
    return this.#childPath;
  }

  /** Calls `visitor.visitStart`. */
  accept(visitor: ElementVisitor): MaybePromise {
    return visitor.visitStart(this);
  }
}

/** The end of a master element. It has no bytes of its own. */
export class MkvEndMasterElement extends MkvElementBase {
  /** Always 0: an end has no bytes. */
  declare readonly headerSize: 0;
  /** Always 0: an end has no bytes. */
  declare readonly dataSize: 0;
  /** The beginning of the same master. */
  readonly start: MkvStartMasterElement;
  /** Whether bytes of the master are missing: the stream ended within it, or damage cut it short. */
  readonly truncated: boolean;

  /** @internal */
  constructor(start: MkvStartMasterElement, offset: number, truncated: boolean) {
    super(start.type, offset, 0, 0, start.parent);
    this.start = start;
    this.truncated = truncated;
  }

  /** Tells the three kinds of element apart. */
  get kind(): 'end' {
    return 'end';
  }

  /** No bytes. */
  override get rawHeader(): Bytes {
    return NO_BYTES;
  }

  /** Calls `visitor.visitEnd`. */
  accept(visitor: ElementVisitor): MaybePromise {
    return visitor.visitEnd(this);
  }
}

/**
 * An element that holds a value of type `V`. It is given when all of its bytes are there; the value is decoded when it is read.
 *
 * The bytes are a view of the chunk that was pushed where they lie in one, else a buffer of the element's own; those of large binary
 * elements stay in the chunks until `data` is read. They stay what they are unless the owner of the chunk writes to it (see `copyChunks`).
 */
export class MkvDataElement<V = unknown> extends MkvElementBase {
  /** Length of the data, in bytes. */
  declare readonly dataSize: number;
  // Not private to the engine (#): elements are made by the million, and plain fields are made faster.
  /** @internal What the data lies in: a chunk, in which the header lies right before it if `start` is not below `headerSize`. */
  readonly run: DataRun;
  /** @internal Where in it the data begins. */
  readonly start: number;
  private view: Bytes | undefined;
  private block: Block | undefined;

  /** @internal */
  constructor(
    type: EbmlElementType,
    offset: number,
    headerSize: number,
    dataSize: number,
    run: DataRun,
    start: number,
    parent: MkvStartMasterElement | undefined,
  ) {
    super(type, offset, headerSize, dataSize, parent);
    this.run = run;
    this.start = start;
    this.view = undefined;
    this.block = undefined;
  }

  /** Tells the three kinds of element apart. */
  get kind(): 'data' {
    return 'data';
  }

  /** @internal The bytes of `run`, in one piece. */
  get bytes(): Bytes {
    return this.run.bytes;
  }

  /** The element's data, in one piece: what lies in a chunk as a view of it. */
  get data(): Bytes {
    this.view ??= this.run.view(this.start, this.dataSize);
    return this.view;
  }

  /**
   * The element's data where it lies, without putting it together: views that are the data one after another. Binary data of 4 KiB or more
   * that span chunks of 1 KiB or more are several, until `data` or the frames of a laced Block have been read; with `copyChunks` all data
   * are in one piece, and so are those of chunks that lie behind each other in one buffer.
   */
  get parts(): readonly Bytes[] {
    return this.run.views(this.start, this.dataSize);
  }

  /**
   * The value, of the type that the element has (RFC 8794 section 7): a `number`; a `bigint` for the 64-bit identifiers and for dates
   * (nanoseconds since 2001-01-01T00:00:00Z); a `string`; a {@link Block}; else the bytes. An empty element has its default.
   *
   * @throws MkvParseError `InvalidValue` when the bytes are no such value or an integer is beyond 2^53 - 1 (then
   * {@link MkvDataElement.bigintValue} has it), `InvalidBlock` when a Block is broken
   */
  get value(): V {
    return this.decode() as V;
  }

  /**
   * The value of an integer, identifier or date element, of any size and exact.
   *
   * @throws MkvParseError `InvalidValue` when it is of more than 8 bytes, or not an integer
   */
  get bigintValue(): bigint {
    const { type, defaultValue } = this.type;
    if (type !== 'uinteger' && type !== 'integer' && type !== 'date') throw this.invalid(`a ${type} is not an integer`);
    if (this.dataSize > 8) throw this.invalid(`an integer of ${this.dataSize} bytes`);
    if (this.dataSize === 0) return BigInt(defaultValue ?? 0);
    const { start, dataSize } = this;
    const { bytes } = this.run;
    return type === 'uinteger'
      ? decodeBigUint(bytes, start, start + dataSize)
      : decodeBigInt(bytes, start, start + dataSize);
  }

  /** The value of a date element as a `Date`, rounded down to the millisecond. Throws as {@link MkvDataElement.bigintValue}. */
  get dateValue(): Date {
    if (this.type.type !== 'date') throw this.invalid(`a ${this.type.type} is not a date`);
    return dateFromEbml(this.bigintValue);
  }

  /** The same element with bytes of its own, so that keeping it does not keep the chunk it came in. */
  detach(): MkvDataElement<V> {
    const bytes = this.data.slice();
    return new MkvDataElement(
      this.type,
      this.offset,
      this.headerSize,
      bytes.length,
      new ByteRun(bytes),
      0,
      this.parent,
    );
  }

  /** Calls `visitor.visitData`. */
  accept(visitor: ElementVisitor): MaybePromise {
    return visitor.visitData(this);
  }

  private decode(): unknown {
    const { type, identifier, defaultValue } = this.type;
    // Binary data are not to be put together before someone reads them.
    if (type === 'binary') return this.type === Mkv.SimpleBlock || this.type === Mkv.Block ? this.asBlock() : this.data;
    const { start, bytes } = this;
    const size = this.dataSize;
    const end = start + size;
    switch (type) {
      case 'uinteger':
        if (identifier) return this.bigintValue;
        return size > 0 && size <= 6 ? decodeUint(bytes, start, end) : this.safeInteger();
      case 'integer':
        return this.safeInteger();
      case 'float': {
        if (size === 0) return Number(defaultValue ?? 0);
        const value = decodeFloat(bytes, start, end);
        if (value === undefined) throw this.invalid(`a float of ${count(size, 'byte')}`);
        return value;
      }
      case 'date':
        if (size !== 0 && size !== 8) throw this.invalid(`a date of ${count(size, 'byte')}`);
        return this.bigintValue;
      default:
        return size === 0 ? String(defaultValue ?? '') : decodeString(bytes, start, end);
    }
  }

  private asBlock(): Block {
    const { start } = this;
    const offset = this.offset + this.headerSize;
    this.block ??= new Block(this.run, start, start + this.dataSize, offset, this.type === Mkv.SimpleBlock);
    return this.block;
  }

  private safeInteger(): number {
    const exact = this.bigintValue;
    const value = Number(exact);
    if (!Number.isSafeInteger(value)) throw this.invalid(`${exact} is beyond 2^53 - 1; bigintValue has it`);
    return value;
  }

  private invalid(text: string): MkvParseError {
    return new MkvParseError('InvalidValue', this.offset + this.headerSize, `${text} (in ${pathOf(this)})`);
  }
}

/** An element of a Matroska stream, or the beginning or end of one. `kind` distinguishes the three. */
export type MkvElement = MkvStartMasterElement | MkvEndMasterElement | MkvDataElement;
