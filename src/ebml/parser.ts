import { Assembler } from './assembler.js';
import { crc32 } from './crc32.js';
import { canDescendFrom, type EbmlElementType, EbmlId, type EbmlSchema, unknownElementType } from './element-type.js';
import { type EbmlErrorCode, EbmlParseError } from './errors.js';
import type { EbmlHandler, EbmlParserOptions } from './handler.js';
import { HeaderReader, hex, INCOMPLETE } from './header.js';
import { SyncScanner } from './sync-scanner.js';
import { decodeString, decodeUint } from './values.js';
import { MAX_HEADER_LENGTH, putId, putSize } from './vint.js';

interface OpenMaster<M> {
  readonly type: EbmlElementType;
  readonly offset: number;
  readonly sizeKnown: boolean;
  /** Where it ends at the latest; `Infinity` when nothing tells. */
  readonly end: number;
  readonly parent: OpenMaster<M> | undefined;
  readonly depth: number;
  /** What the handler made of it. */
  readonly handle: M;
  readonly asked: boolean;
  /** Children that may occur once and have; kept only when someone wants to know. */
  seen: Set<EbmlElementType> | undefined;
  hasChildren: boolean;
  crc: { readonly expected: number; actual: number } | undefined;
}

enum State {
  /** Between two elements. */
  Boundary,
  /** In a header that spans chunks. */
  Header,
  /** The header is read; masters that it ends may still have to be closed. */
  Classify,
  /** In data that spans chunks. */
  Data,
  /** In data that nobody asked for. */
  Skip,
  /** Looking for a place to read on. */
  Resync,
  /** Nothing more comes; masters are being closed. */
  Closing,
  Done,
  Failed,
}

const DEFAULT_MAX_ELEMENT_SIZE = 64 * 1024 * 1024;
const DEFAULT_MAX_DEPTH = 64;
const NO_BYTES = new Uint8Array(0);

/**
 * An incremental EBML parser (RFC 8794): bytes in, elements out to a handler. It can stop at any byte and go on.
 *
 * {@link EbmlParser.push} reports all elements that the chunk completes before it returns, unless the handler called
 * {@link EbmlParser.pause}; what is left is then reported by {@link EbmlParser.resume}. Work is linear in the bytes for every
 * chunking, and the events do not depend on the chunking. Chunks are referred to, not copied, until their bytes are reported.
 */
export class EbmlParser<M> {
  readonly #handler: EbmlHandler<M>;
  readonly #schema: EbmlSchema;
  readonly #taken: ReadonlySet<EbmlElementType> | undefined;
  readonly #entered: ReadonlySet<EbmlElementType> | undefined;
  readonly #options: EbmlParserOptions;
  readonly #strict: boolean;
  readonly #verifyCrc: boolean;
  readonly #maxElementSize: number;
  readonly #maxDepth: number;
  readonly #scanner: SyncScanner | undefined;
  readonly #header = new HeaderReader();

  #chunk: Uint8Array = NO_BYTES;
  #position = 0;
  /** The stream offset of the first byte of the chunk. */
  #base = 0;
  readonly #waiting: Uint8Array[] = [];
  #nextWaiting = 0;
  #ended = false;
  #paused = false;

  #state: State = State.Boundary;
  #top: OpenMaster<M> | undefined;
  #error: EbmlParseError | undefined;
  #truncated = false;

  // The element at hand.
  #offset = 0;
  #headerSize = 0;
  #type: EbmlElementType | undefined;
  #scratch: Uint8Array | undefined;
  #scratchLength = 0;
  #assembler: Assembler | undefined;
  #skip = 0;
  /** How many open masters have a CRC-32 that is being checked. */
  #crcs = 0;
  #rootSeen = false;
  #headerSeen = false;

  // Recovery.
  readonly #marks: number[] = [];
  #nextMark = 0;
  #gapReason = '';
  /** The element at hand is where reading went on: masters that cannot hold it are closed, whatever their size. */
  #resynced = false;

  constructor(handler: EbmlHandler<M>, options: EbmlParserOptions) {
    this.#handler = handler;
    this.#options = options;
    this.#schema = options.schema;
    this.#strict = options.strict === true;
    this.#verifyCrc = options.verifyCrc === true;
    this.#maxElementSize = options.maxElementSize ?? DEFAULT_MAX_ELEMENT_SIZE;
    this.#maxDepth = options.maxDepth ?? DEFAULT_MAX_DEPTH;
    if (options.recoverAt !== undefined) {
      this.#scanner = new SyncScanner(options.recoverAt, (offset) => this.#marks.push(offset));
    }
    if (options.elements !== undefined) {
      const taken = new Set(options.elements);
      const entered = new Set<EbmlElementType>();
      for (const type of taken) {
        if (type.recursive) entered.add(type);
        for (let parent = type.parent; parent !== undefined; parent = parent.parent) entered.add(parent);
      }
      this.#taken = taken;
      // A global element may stand in every master, so with one asked for, none can be passed over.
      this.#entered = [...taken].some((type) => type.global) ? undefined : entered;
    }
  }

  /** The error that stopped the parser. */
  get error(): EbmlParseError | undefined {
    return this.#error;
  }

  /** Whether the stream ended inside an element. */
  get truncated(): boolean {
    return this.#truncated;
  }

  /** Whether everything that was pushed has been reported and no more can come. */
  get done(): boolean {
    return this.#state === State.Done;
  }

  /**
   * Takes the next bytes of the stream, any number of them, and reports the elements that they complete. After
   * {@link EbmlParser.pause} it only keeps them.
   *
   * @throws EbmlParseError when the bytes are wrong; once it has, it throws the same error again at every call
   */
  push(chunk: Uint8Array): void {
    if (!(chunk instanceof Uint8Array)) throw new TypeError('a chunk must be a Uint8Array');
    if (this.#ended) throw new TypeError('push() after end()');
    if (this.#error !== undefined) throw this.#error;
    const assembler = this.#assembler;
    if (
      assembler !== undefined &&
      this.#chunk === NO_BYTES &&
      this.#waiting.length === 0 &&
      this.#scanner === undefined
    ) {
      if (chunk.length < assembler.missing) {
        // The chunk is all data of the element at hand: the common case for small chunks.
        assembler.append(chunk, 0, chunk.length);
        this.#base += chunk.length;
        return;
      }
    }
    const bytes = this.#options.copyChunks === true ? new Uint8Array(chunk) : chunk;
    if (this.#scanner === undefined) this.#enqueue(bytes);
    else this.#scanner.push(bytes, (decided) => this.#enqueue(decided));
    if (!this.#paused) this.#run();
  }

  /**
   * Says that no more bytes come. Masters that are still open are closed.
   *
   * @throws EbmlParseError as {@link EbmlParser.push}; with `strict` also when the stream ended inside an element
   */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#scanner?.end((decided) => this.#enqueue(decided));
    if (!this.#paused) this.#run();
  }

  /** Makes the parser stop after the call of the handler that it is in. */
  pause(): void {
    this.#paused = true;
  }

  /** Goes on reporting after {@link EbmlParser.pause}. Throws as {@link EbmlParser.push}. */
  resume(): void {
    this.#paused = false;
    this.#run();
  }

  #enqueue(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#waiting.push(bytes);
  }

  /** Makes the next waiting chunk the current one; `false` when there is none. */
  #advance(): boolean {
    const next = this.#waiting[this.#nextWaiting];
    if (next === undefined) return false;
    this.#base += this.#chunk.length;
    this.#chunk = next;
    this.#position = 0;
    this.#nextWaiting++;
    if (this.#nextWaiting === this.#waiting.length) {
      // The usual case is one chunk, and a pop costs less than a new length.
      if (this.#nextWaiting === 1) this.#waiting.pop();
      else this.#waiting.length = 0;
      this.#nextWaiting = 0;
    } else if (this.#nextWaiting >= 1024 && this.#nextWaiting * 2 >= this.#waiting.length) {
      this.#waiting.splice(0, this.#nextWaiting);
      this.#nextWaiting = 0;
    }
    return true;
  }

  #run(): void {
    if (this.#error !== undefined) throw this.#error;
    while (!this.#paused && this.#step());
    if (this.#position === this.#chunk.length && this.#chunk.length > 0) {
      // A chunk that is read does not have to stay in memory until the next one comes.
      this.#base += this.#chunk.length;
      this.#chunk = NO_BYTES;
      this.#position = 0;
    }
  }

  /** Does the next piece of work; `false` when more bytes are needed or nothing is left to do. */
  #step(): boolean {
    switch (this.#state) {
      case State.Boundary:
        return this.#stepBoundary();
      case State.Classify:
        return this.#classify();
      case State.Header:
        return this.#stepHeader();
      case State.Data:
        return this.#stepData();
      case State.Skip:
        return this.#stepSkip();
      case State.Resync:
        return this.#stepResync();
      case State.Closing:
        return this.#stepClosing();
      default:
        return false;
    }
  }

  #stepBoundary(): boolean {
    const offset = this.#base + this.#position;
    const top = this.#top;
    if (top !== undefined && offset >= top.end) {
      this.#close(top, offset, this.#resynced);
      return true;
    }
    if (this.#position >= this.#chunk.length) return this.#advance() || this.#stop();
    this.#offset = offset;
    const length = this.#header.read(this.#chunk, this.#position, this.#chunk.length);
    if (length === INCOMPLETE) {
      this.#scratch ??= new Uint8Array(MAX_HEADER_LENGTH);
      this.#scratchLength = 0;
      this.#state = State.Header;
      return true;
    }
    if (length < 0) return this.#refuseHeader();
    this.#position += length;
    return this.#takeHeader(length);
  }

  #stepHeader(): boolean {
    if (this.#scratch === undefined) return false;
    for (;;) {
      if (this.#position >= this.#chunk.length) {
        if (this.#markWithin(this.#base + this.#position)) return true;
        if (!this.#advance()) return this.#stop();
      }
      this.#scratch[this.#scratchLength++] = this.#chunk[this.#position++]!;
      const length = this.#header.read(this.#scratch, 0, this.#scratchLength);
      if (length === INCOMPLETE) continue;
      return length < 0 ? this.#refuseHeader() : this.#takeHeader(length);
    }
  }

  #refuseHeader(): boolean {
    const { fault } = this.#header;
    if (fault === undefined) return false;
    const text = this.#rootSeen ? fault.text : `no EBML document: ${fault.text}`;
    return this.#fail(fault.code, this.#offset + fault.position, text);
  }

  #takeHeader(length: number): boolean {
    this.#headerSize = length;
    this.#type = this.#schema.get(this.#header.id);
    this.#state = State.Classify;
    if (this.#scanner !== undefined && this.#markWithin(this.#offset + length)) return true;
    return this.#classify();
  }

  /** Finds where the element at hand belongs, then begins with it. Each call closes one master at the most. */
  #classify(): boolean {
    const type = this.#type;
    const top = this.#top;
    if (top === undefined) {
      if (!this.#classifyRoot(type)) return true;
    } else if (
      type !== undefined &&
      type.parent !== top.type &&
      !type.global &&
      !(type.recursive && type === top.type)
    ) {
      const foreign = !canDescendFrom(type, top.type);
      if (foreign && (!top.sizeKnown || this.#resynced)) {
        this.#close(top, this.#offset, this.#resynced);
        return true;
      }
      const text = `${nameOf(type)} in a ${top.type.name}`;
      if (foreign && isLandmark(type)) {
        // The size of a master above it is wrong. A Segment's often is; of others, only recovery makes light.
        const tolerated = this.#scanner !== undefined || (type.level === 0 && top.type.level === 0);
        if (!tolerated) return this.#fail('UnexpectedElement', this.#idEnd(), text);
        if (this.#warn('UnexpectedElement', this.#idEnd(), text)) this.#resynced = true;
        return true;
      }
      if (!this.#warn('UnexpectedElement', this.#idEnd(), text)) return true;
    }
    this.#resynced = false;
    return this.#begin(type ?? unknownElementType(this.#header.id));
  }

  /** @returns `false` when the element is refused */
  #classifyRoot(type: EbmlElementType | undefined): boolean {
    const known = type !== undefined && (type.level === 0 || isLandmark(type) || (type.global && this.#rootSeen));
    if (!known) {
      const where = this.#rootSeen ? 'at the top level' : 'where an EBML document should begin';
      this.#fail(
        'UnexpectedElement',
        this.#idEnd(),
        `${nameOf(type) ?? `element id 0x${hex(this.#header.id)}`} ${where}`,
      );
      return false;
    }
    if (type.level > 0) {
      return this.#warn('UnexpectedElement', this.#idEnd(), `${nameOf(type)} outside of a ${type.parent?.name}`);
    }
    if (type.level < 0) return true;
    const isHeader = type.id === EbmlId.EBML;
    if (
      !isHeader &&
      !this.#headerSeen &&
      !this.#warn('UnexpectedElement', this.#idEnd(), `${nameOf(type)} without an EBML header`)
    ) {
      return false;
    }
    this.#headerSeen = isHeader;
    return true;
  }

  #begin(type: EbmlElementType): boolean {
    const { dataSize } = this.#header;
    const top = this.#top;
    const headerEnd = this.#offset + this.#headerSize;
    const isMaster = type.type === 'master';
    if (dataSize === undefined) {
      if (!isMaster) return this.#fail('UnknownSizeNotAllowed', headerEnd - 1, `${nameOf(type)} has an unknown size`);
      if (
        !type.unknownSizeAllowed &&
        !this.#warn('UnknownSizeNotAllowed', headerEnd - 1, `${nameOf(type)} has an unknown size`)
      )
        return true;
    } else if (top !== undefined && headerEnd + dataSize > top.end) {
      const text = `${nameOf(type)} of ${dataSize} bytes reaches past the end of its ${top.type.name}`;
      if (this.#scanner !== undefined && top.type.level > 0) return this.#fail('PastParentEnd', headerEnd - 1, text);
      if (!this.#warn('PastParentEnd', headerEnd - 1, text)) return true;
    }
    if (top !== undefined) {
      if (type.maxOccurs === 1 && type.level > 0 && !this.#occurs(top, type)) return true;
    } else {
      this.#rootSeen = true;
    }
    if (isMaster) return this.#beginMaster(type, dataSize, headerEnd);
    return this.#beginData(type, dataSize ?? 0);
  }

  #beginMaster(type: EbmlElementType, dataSize: number | undefined, headerEnd: number): boolean {
    const top = this.#top;
    const depth = top === undefined ? 1 : top.depth + 1;
    if (depth > this.#maxDepth)
      return this.#fail('TooDeep', headerEnd - 1, `more than ${this.#maxDepth} masters are open`);
    if (type.id === EbmlId.EBML) {
      this.#header.maxIdLength = 4;
      this.#header.maxSizeLength = 8;
    }
    if (this.#crcs > 0) this.#crcHeader();
    const asked = this.#taken === undefined || this.#taken.has(type);
    const entered = this.#entered === undefined || this.#entered.has(type) || type.id === EbmlId.EBML;
    const skipped = !entered && dataSize !== undefined && !this.#verifyCrc;
    this.#state = State.Boundary;
    if (skipped && !asked) {
      if (top !== undefined) top.hasChildren = true;
      this.#skip = dataSize;
      this.#state = State.Skip;
      return true;
    }
    const master: OpenMaster<M> = {
      type,
      offset: this.#offset,
      sizeKnown: dataSize !== undefined,
      end: dataSize === undefined ? (top?.end ?? Number.POSITIVE_INFINITY) : headerEnd + dataSize,
      parent: top,
      depth,
      handle: this.#handler.masterStart(type, this.#offset, this.#headerSize, dataSize, top?.handle, asked),
      asked,
      seen: undefined,
      hasChildren: false,
      crc: undefined,
    };
    if (top !== undefined) top.hasChildren = true;
    this.#top = master;
    if (skipped) {
      this.#skip = dataSize;
      this.#state = State.Skip;
    }
    return true;
  }

  #beginData(type: EbmlElementType, dataSize: number): boolean {
    const needed = this.#taken === undefined || this.#taken.has(type);
    if (!needed && !this.#isOwn(type)) {
      // An id that nobody knows with a size that nobody would accept is damage, not something to pass over.
      if (type.name === undefined && dataSize > this.#maxElementSize) return this.#tooLarge(type, dataSize);
      if (this.#top !== undefined) this.#top.hasChildren = true;
      if (this.#crcs > 0) this.#crcHeader();
      this.#skip = dataSize;
      this.#state = State.Skip;
      return true;
    }
    if (dataSize > this.#maxElementSize) return this.#tooLarge(type, dataSize);
    const start = this.#position;
    const available = this.#chunk.length - start;
    if (available >= dataSize) {
      if (this.#scanner !== undefined && this.#markWithin(this.#base + start + dataSize)) return true;
      this.#position = start + dataSize;
      this.#finishData(type, dataSize, this.#chunk, start);
      return true;
    }
    if (this.#scanner !== undefined && this.#markWithin(this.#base + this.#chunk.length)) return true;
    this.#type = type;
    this.#assembler = new Assembler(dataSize);
    this.#assembler.append(this.#chunk, start, this.#chunk.length);
    this.#position = this.#chunk.length;
    this.#state = State.Data;
    return true;
  }

  #stepData(): boolean {
    const assembler = this.#assembler;
    const type = this.#type;
    if (assembler === undefined || type === undefined) return false;
    const { missing } = assembler;
    if (missing > 0) {
      if (this.#position >= this.#chunk.length && !this.#advance()) return this.#stop();
      const length = Math.min(missing, this.#chunk.length - this.#position);
      if (this.#scanner !== undefined && this.#markWithin(this.#base + this.#position + length)) return true;
      assembler.append(this.#chunk, this.#position, this.#position + length);
      this.#position += length;
      if (length < missing) return true;
    }
    const bytes = assembler.take();
    this.#assembler = undefined;
    this.#finishData(type, bytes.length, bytes, 0);
    return true;
  }

  #finishData(type: EbmlElementType, dataSize: number, bytes: Uint8Array, start: number): void {
    const top = this.#top;
    this.#state = State.Boundary;
    if (this.#crcs > 0) {
      this.#crcHeader();
      this.#crcBytes(bytes, start, start + dataSize);
    }
    if (this.#isOwn(type) && !this.#readOwn(type, bytes.subarray(start, start + dataSize))) return;
    if (top !== undefined) top.hasChildren = true;
    if (this.#taken !== undefined && !this.#taken.has(type)) return;
    this.#handler.data(type, this.#offset, this.#headerSize, dataSize, bytes, start, top?.handle);
  }

  #stepSkip(): boolean {
    for (;;) {
      const length = Math.min(this.#skip, this.#chunk.length - this.#position);
      if (this.#scanner !== undefined && this.#markWithin(this.#base + this.#position + length)) return true;
      if (this.#crcs > 0) this.#crcBytes(this.#chunk, this.#position, this.#position + length);
      this.#position += length;
      this.#skip -= length;
      if (this.#skip === 0) {
        this.#state = State.Boundary;
        return true;
      }
      if (!this.#advance()) return this.#stop();
    }
  }

  /** Elements that the parser itself reads, asked for or not. */
  #isOwn(type: EbmlElementType): boolean {
    return type.id === EbmlId.Crc32 ? this.#verifyCrc : type.level === 1 && type.parent?.id === EbmlId.EBML;
  }

  /** @returns `false` when the element is refused */
  #readOwn(type: EbmlElementType, data: Uint8Array): boolean {
    const at = this.#offset + this.#headerSize + Math.max(0, data.length - 1);
    const header = this.#header;
    const top = this.#top;
    switch (type.id) {
      case EbmlId.Crc32:
        if (top === undefined) return true;
        if (data.length !== 4) return this.#warn('InvalidValue', at, `CRC-32 of ${data.length} bytes`);
        if (top.hasChildren)
          return this.#warn('UnexpectedElement', at, `CRC-32 is not the first element of its ${top.type.name}`);
        top.crc = { expected: data.reduceRight((value, byte) => value * 256 + byte, 0), actual: 0 };
        this.#crcs++;
        return true;
      case EbmlId.EBMLMaxIDLength:
      case EbmlId.EBMLMaxSizeLength: {
        const value = data.length === 0 ? Number(type.defaultValue) : data.length > 8 ? Number.NaN : decodeUint(data);
        const least = type.id === EbmlId.EBMLMaxIDLength ? 4 : 1;
        if (!(value >= least && value <= 8)) return this.#warn('UnsupportedDocument', at, `${type.name} is ${value}`);
        // A stream that may be damaged may have its limits damaged, and whole Clusters must not be lost for it.
        if (this.#scanner !== undefined) return true;
        if (type.id === EbmlId.EBMLMaxIDLength) header.maxIdLength = value;
        else header.maxSizeLength = value;
        return true;
      }
      case EbmlId.EBMLReadVersion:
        return data.length <= 8 && (data.length === 0 || decodeUint(data) <= 1)
          ? true
          : this.#warn('UnsupportedDocument', at, 'EBMLReadVersion is not 1');
      case EbmlId.DocType: {
        const docType = decodeString(data);
        const { docTypes } = this.#options;
        if (docTypes === undefined || docTypes.includes(docType)) return true;
        return this.#warn(
          'UnsupportedDocument',
          at,
          `DocType is ${JSON.stringify(docType.slice(0, 40))}, not ${docTypes.join(' or ')}`,
        );
      }
      default:
        return true;
    }
  }

  /** Notes that `type` occurs in `master`; `false` when it is refused because it occurred before. */
  #occurs(master: OpenMaster<M>, type: EbmlElementType): boolean {
    if (!this.#strict && this.#options.onWarning === undefined) return true;
    master.seen ??= new Set();
    if (!master.seen.has(type)) {
      master.seen.add(type);
      return true;
    }
    return this.#warn('TooManyOccurrences', this.#idEnd(), `a second ${nameOf(type)} in a ${master.type.name}`);
  }

  #close(master: OpenMaster<M>, offset: number, truncated: boolean): void {
    const { crc } = master;
    this.#top = master.parent;
    if (crc !== undefined) {
      this.#crcs--;
      if (!truncated && crc.actual !== crc.expected) this.#crcMismatch(master, offset, crc);
    }
    if (master.asked) this.#handler.masterEnd(master.handle, offset, truncated);
  }

  #crcMismatch(master: OpenMaster<M>, offset: number, crc: { expected: number; actual: number }): void {
    const text = `the CRC-32 of the ${master.type.name} at byte ${master.offset} is 0x${hex(crc.expected)}, that of its bytes 0x${hex(crc.actual)}`;
    if (this.#scanner === undefined) throw this.#stopWith('CrcMismatch', Math.max(master.offset, offset - 1), text);
    this.#options.onGap?.({ offset: master.offset, length: offset - master.offset, reason: text });
  }

  #crcHeader(): void {
    const bytes = new Uint8Array(this.#headerSize);
    const { id, idLength, dataSize } = this.#header;
    putSize(bytes, putId(bytes, 0, id), dataSize, this.#headerSize - idLength);
    this.#crcBytes(bytes, 0, bytes.length);
  }

  /** Counts bytes into the CRC-32 of every open master that has one. */
  #crcBytes(bytes: Uint8Array, start: number, end: number): void {
    for (let master = this.#top; master !== undefined; master = master.parent) {
      if (master.crc !== undefined) master.crc.actual = crc32(bytes, master.crc.actual, start, end);
    }
  }

  #idEnd(): number {
    return this.#offset + this.#header.idLength - 1;
  }

  #tooLarge(type: EbmlElementType, dataSize: number): boolean {
    const text = `${nameOf(type)} of ${dataSize} bytes, more than the ${this.#maxElementSize} that are accepted`;
    return this.#fail('ElementTooLarge', this.#offset + this.#headerSize - 1, text);
  }

  /**
   * Reports what is tolerated unless `strict`.
   *
   * @returns `false` when it is not tolerated and the element at hand is passed over
   */
  #warn(code: EbmlErrorCode, offset: number, text: string): boolean {
    if (this.#strict) {
      this.#fail(code, offset, text);
      return false;
    }
    this.#options.onWarning?.({ code, offset, message: `byte ${offset}: ${text}${this.#where()}` });
    return true;
  }

  /** The element at hand is wrong: an error, or the beginning of a gap. */
  #fail(code: EbmlErrorCode, offset: number, text: string): true {
    if (this.#scanner === undefined) throw this.#stopWith(code, offset, text);
    this.#gapReason = `byte ${offset}: ${text}${this.#where()}`;
    this.#assembler = undefined;
    this.#state = State.Resync;
    return true;
  }

  #stopWith(code: EbmlErrorCode, offset: number, text: string): EbmlParseError {
    const whole = text + this.#where();
    this.#state = State.Failed;
    this.#error = this.#options.createError?.(code, offset, whole) ?? new EbmlParseError(code, offset, whole);
    this.#assembler = undefined;
    this.#chunk = NO_BYTES;
    this.#position = 0;
    this.#waiting.length = 0;
    return this.#error;
  }

  /** The open masters, for messages. */
  #where(): string {
    const names: string[] = [];
    for (let master = this.#top; master !== undefined; master = master.parent) names.unshift(nameOf(master.type));
    return names.length === 0 ? '' : ` (in ${names.join('/')})`;
  }

  /** The first mark after the beginning of the element at hand. */
  #markAhead(): number | undefined {
    const marks = this.#marks;
    while (this.#nextMark < marks.length && marks[this.#nextMark]! <= this.#offset) this.#nextMark++;
    if (this.#nextMark === marks.length && marks.length > 0) {
      marks.length = 0;
      this.#nextMark = 0;
    }
    return marks[this.#nextMark];
  }

  /** Whether the element at hand, which reaches at least to `end`, runs over a mark; then it is damaged. */
  #markWithin(end: number): boolean {
    const mark = this.#markAhead();
    if (mark === undefined || mark >= end) return false;
    return this.#fail(
      'UnexpectedElement',
      mark,
      `${nameOf(this.#type) ?? 'an element'} at byte ${this.#offset} runs over what follows it`,
    );
  }

  #stepResync(): boolean {
    const mark = this.#markAhead();
    if (mark === undefined) {
      this.#position = this.#chunk.length;
      return this.#advance() || this.#stop();
    }
    while (mark >= this.#base + this.#chunk.length && this.#advance());
    this.#position = mark - this.#base;
    this.#resynced = true;
    this.#state = State.Boundary;
    this.#options.onGap?.({ offset: this.#offset, length: mark - this.#offset, reason: this.#gapReason });
    return true;
  }

  /** The bytes are used up: waits for more, or, after `end()`, finishes. Always `false` or the next step to do. */
  #stop(): boolean {
    if (!this.#ended) return false;
    const end = this.#base + this.#position;
    const unfinished = this.#state !== State.Boundary;
    this.#truncated = unfinished;
    for (let master = this.#top; master !== undefined; master = master.parent) {
      if (master.sizeKnown && master.end > end) this.#truncated = true;
    }
    if (this.#truncated && this.#strict)
      throw this.#stopWith('Truncated', end, 'the stream ends here, inside an element');
    if (unfinished && this.#scanner !== undefined) {
      const reason =
        this.#state === State.Resync
          ? this.#gapReason
          : `byte ${end}: the stream ends inside an element${this.#where()}`;
      this.#options.onGap?.({ offset: this.#offset, length: end - this.#offset, reason });
    }
    this.#assembler = undefined;
    this.#state = State.Closing;
    return true;
  }

  #stepClosing(): boolean {
    const top = this.#top;
    if (top === undefined) {
      this.#state = State.Done;
      return false;
    }
    this.#close(top, this.#base + this.#position, this.#truncated);
    return true;
  }
}

/** Whether the element's id is too long to be met by chance and its place is one that sizes are checked by. */
function isLandmark(type: EbmlElementType): boolean {
  return type.id >= 0x10000000 && type.level >= 0 && type.level <= 1;
}

function nameOf(type: EbmlElementType): string;
function nameOf(type: EbmlElementType | undefined): string | undefined;
function nameOf(type: EbmlElementType | undefined): string | undefined {
  return type === undefined ? undefined : (type.name ?? `element 0x${hex(type.id)}`);
}
