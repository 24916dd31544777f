import { Assembler } from './assembler.js';
import { ByteRun, type DataRun } from './byte-run.js';
import { unshared, viewOf } from './bytes.js';
import { ChunkQueue } from './chunk-queue.js';
import { damagedElement, EXAMINED, isText, nearElement } from './damaged-id.js';
import { DataParts, mayStayInParts } from './data-parts.js';
import { ElementFilter } from './element-filter.js';
import { isBoundByDocument } from './element-sight.js';
import { type EbmlElementType, EbmlId, isLandmark, isSizeOf, unknownElementType } from './element-type.js';
import { type EbmlErrorCode, EbmlParseError } from './errors.js';
import type { EbmlHandler, EbmlParserOptions } from './handler.js';
import { HeaderReader, INCOMPLETE } from './header.js';
import { MarkKeeper } from './mark-keeper.js';
import { MasterStack } from './master-stack.js';
import {
  crcFault,
  distrustRootSizes,
  endWithin,
  type Fault,
  freeUpTo,
  noteDamage,
  occursAgain,
} from './open-master.js';
import { OwnElements } from './own-elements.js';
import { LARGEST_IN_DOUBT } from './past-end.js';
import { nameOf, pathOf } from './path.js';
import type { Place } from './place-search.js';
import { BEHIND, belongsIn, type Misplacement, placeIn, TopLevel } from './placement.js';
import { count } from './plural.js';
import { BROKEN, HOLDS, LOST, Recovery, WAIT } from './recovery.js';
import { headerBytes } from './vint.js';
import { concatBytes } from './writer.js';

const DEFAULT_MAX_ELEMENT_SIZE = 64 * 1024 * 1024;
const DEFAULT_MAX_DEPTH = 64;
/** So many bytes are sooner searched for a mark than what follows them is looked at. */
const SOON_SEARCHED = 512;
const MISPLACED: Fault = { code: 'UnexpectedElement', text: 'not allowed here' };
const BROKEN_SIZE: Fault = { code: 'UnexpectedElement', text: 'what follows it is no element' };

/**
 * An incremental EBML parser (RFC 8794): bytes in, elements out to a handler. It can stop at any byte and continue.
 *
 * {@link EbmlParser.push} reports all elements that the chunk completes before it returns, unless the handler called
 * {@link EbmlParser.pause}; what is left is then reported by {@link EbmlParser.resume}. Work is linear in the bytes for every chunking, and the
 * events do not depend on the chunking. Chunks are referred to, not copied, until their bytes are reported.
 */
export class EbmlParser<M> {
  readonly #handler: EbmlHandler<M>;
  readonly #options: EbmlParserOptions;
  readonly #filter: ElementFilter;
  readonly #maxElementSize: number;
  readonly #maxDepth: number;
  /** Whether someone wants to know. */
  readonly #countsOccurrences: boolean;
  /** Whether nothing is asked of the parser for which it would have to see every element. */
  readonly #offersMasters: boolean;
  #input = new ChunkQueue();
  /** Finds where to go on after damage; `undefined` when damage stops the parser. */
  readonly #recovery: Recovery | undefined;
  /** Tells whether an element in doubt holds: the same, or made when there is the first one. */
  #judge: Recovery | undefined;
  readonly #header = new HeaderReader((code, position, text) => this.#wrong(code, this.#offset + position, text));
  readonly #own: OwnElements;

  #ended = false;
  #paused = false;
  #starved = false;
  #done = false;
  #truncated = false;
  /** The stream has ended within the element at hand. */
  #cut = false;
  #error: EbmlParseError | undefined;

  readonly #masters: MasterStack<M>;
  readonly #topLevel = new TopLevel();

  // The element at hand.
  #offset = 0;
  #headerSize = 0;
  /** `undefined` until its header has been read. */
  #type: EbmlElementType | undefined;
  /** How much of its data is still to come. */
  #missing = 0;
  /** The data that lies in earlier chunks; `undefined` when nobody asked for it. */
  #data: Assembler | DataParts | undefined;

  /** What may be a mark in an element that nobody asked for, with all that follows. */
  #kept: MarkKeeper | undefined;
  /** What to do with the element at hand when its size turns out to hold. */
  #accept: () => void = () => {};
  /** Where it ends. */
  #acceptedEnd = 0;
  /** Why bytes are passed over until the next place to go on at; `undefined` when they are not. */
  #damage: string | undefined;
  /** Where the stream began, or was right again after damage. */
  #trustedFrom = 0;
  /** What is wrong with the element at hand when it turns out to be damage. */
  #suspicion: Fault = BROKEN_SIZE;
  /** Of the element that begins there has been told that its id may be damaged. */
  #suspected = -1;
  /** The element that begins there is not held against the sizes of the masters around it again. */
  #admitted = -1;
  /** The element at hand is where reading went on: masters that cannot hold it are closed, whatever their size. */
  #resynced = false;

  /**
   * @param handler takes the elements as they are found, in stream order
   * @param options limits, recovery and checks; the schema says which elements there are
   */
  constructor(handler: EbmlHandler<M>, options: EbmlParserOptions) {
    this.#handler = handler;
    this.#masters = new MasterStack(handler, options.verifyCrc === true);
    this.#options = options;
    this.#filter = ElementFilter.of(options.elements);
    this.#own = new OwnElements(options, this.#header);
    this.#maxElementSize = options.maxElementSize ?? DEFAULT_MAX_ELEMENT_SIZE;
    this.#maxDepth = options.maxDepth ?? DEFAULT_MAX_DEPTH;
    this.#countsOccurrences = options.strict === true || options.onWarning !== undefined;
    this.#offersMasters =
      handler.takeMaster !== undefined &&
      options.verifyCrc !== true &&
      !this.#countsOccurrences &&
      this.#maxDepth >= DEFAULT_MAX_DEPTH;
    this.#recovery = options.recoverAt && new Recovery(this.#input, options.recoverAt, options, this.#maxElementSize);
    this.#judge = this.#recovery;
  }

  /** The error that stopped the parser. */
  get error(): EbmlParseError | undefined {
    return this.#error;
  }

  /** Whether the stream ended inside an element. */
  get truncated(): boolean {
    return this.#truncated;
  }

  /** Whether nothing can be reported before more bytes come, or the end. */
  get starved(): boolean {
    return this.#starved;
  }

  /** Whether everything that was pushed has been reported and no more can come. */
  get done(): boolean {
    return this.#done;
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
    if (this.#takeShort(chunk)) return;
    // Not slice(), which is a view where the chunk is a Buffer of Node.
    this.#input.push(this.#options.copyChunks === true ? new Uint8Array(chunk) : unshared(chunk));
    this.#starved = false;
    if (!this.#paused) this.#run();
  }

  /** Takes a chunk that ends nothing: within a header, or within data. Most small chunks do not. */
  #takeShort(chunk: Uint8Array): boolean {
    const { length } = chunk;
    if (!this.#starved || length === 0 || this.#judge?.busy === true) return false;
    if (this.#missing > 0) {
      const data = this.#data;
      const counted = data === undefined && (this.#options.verifyCrc === true || this.#kept !== undefined);
      if (length >= this.#missing || counted) return false;
      if (data instanceof DataParts) data.append(unshared(chunk), 0, length);
      else data?.append(chunk, 0, length);
      this.#missing -= length;
    } else {
      if (this.#type !== undefined || !this.#header.goesOnBehind(chunk)) return false;
      this.#header.begin(chunk);
    }
    this.#input.skip(length);
    return true;
  }

  /**
   * Says that no more bytes come. Masters that are still open are closed.
   *
   * @throws EbmlParseError as {@link EbmlParser.push}; with `strict` also when the stream ended inside an element
   */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#starved = false;
    if (!this.#paused) this.#run();
  }

  /** Makes the parser stop after the call of the handler that it is in. */
  pause(): void {
    this.#paused = true;
  }

  /** Continues reporting after {@link EbmlParser.pause}. Throws as {@link EbmlParser.push}. */
  resume(): void {
    this.#paused = false;
    if (!this.#starved) this.#run();
  }

  #run(): void {
    if (this.#error !== undefined) throw this.#error;
    for (;;) {
      try {
        while (!this.#paused && this.#step());
        return;
      } catch (error) {
        // What is wrong with the bytes has become damage to pass over, or it stops the parser. All else is the handler's.
        if (this.#damage === undefined) throw error;
      }
    }
  }

  /** Does the next piece of work; `false` when more bytes are needed or nothing is left to do. */
  #step(): boolean {
    if (this.#judge?.busy === true) return this.#settle(this.#judge);
    if (this.#missing > 0) return this.#readData();
    return this.#type === undefined ? this.#readHeader() : this.#place(this.#type);
  }

  /** Closes the innermost master where it ends, else reads the next header. */
  #readHeader(): boolean {
    const input = this.#input;
    const header = this.#header;
    let length = INCOMPLETE;
    if (header.begun === 0) {
      this.#offset = input.offset;
      const { top } = this.#masters;
      if (top !== undefined && this.#offset >= top.end) return this.#close();
      if (input.position === input.bytes.length && !input.advance()) return this.#stop();
      length = header.read(input.bytes, input.position, input.bytes.length);
      input.position += length;
    }
    while (length === INCOMPLETE) {
      if (!this.#hasMore()) return this.#stop();
      length = header.readOn(input.bytes[input.position++]!);
    }
    this.#headerSize = length;
    this.#type = this.#options.schema.get(header.id) ?? unknownElementType(header.id);
    return this.#place(this.#type);
  }

  /** Whether another byte of the element at hand is there. */
  #hasMore(): boolean {
    const input = this.#input;
    if (input.position < input.bytes.length) return true;
    return input.advance();
  }

  /** Finds where the element at hand belongs, then begins with it. Each call closes one master at the most. */
  #place(type: EbmlElementType): boolean {
    const { top } = this.#masters;
    if (top === undefined || type.parent !== top.type) return this.#placeOther(type);
    this.#resynced = false;
    return this.#begin(type, this.#offset + this.#header.idLength - 1);
  }

  /** The same of an element that is no child of the innermost master. */
  #placeOther(type: EbmlElementType): boolean {
    const idEnd = this.#offset + this.#header.idLength - 1;
    const { top } = this.#masters;
    const place =
      top === undefined ? this.#topLevel.place(type) : placeIn(top, type, this.#resynced, this.#recovery !== undefined);
    if (place !== undefined && isLandmark(type) && this.#isDisputed(type)) return true;
    if (place === BEHIND) {
      if (this.#recovery === undefined || this.#resynced || belongsIn(top, type)) return this.#close();
      // A master of unknown size ends where something begins that another can hold, not at damage.
      this.#wrong('UnexpectedElement', idEnd, 'not allowed here');
      return true;
    }
    if (place !== undefined || type.level < 0) return this.#placeOdd(type, place, idEnd);
    this.#resynced = false;
    return this.#begin(type, idEnd);
  }

  /** The same with an element that stands where it should not, or may stand anywhere. */
  #placeOdd(type: EbmlElementType, place: Misplacement | undefined, idEnd: number): boolean {
    const { top } = this.#masters;
    let near: EbmlElementType | undefined;
    if (type.name === undefined && top !== undefined) {
      if (this.#options.closedMasters?.includes(top.type) === true) {
        this.#wrong('UnexpectedElement', idEnd, 'an unknown element');
      }
      const { dataSize } = this.#header;
      if (dataSize !== undefined) {
        const beginning = this.#beginningOf(type, dataSize);
        if (beginning === INCOMPLETE) return this.#stop();
        this.#examine(beginning, dataSize, idEnd);
        near = nearElement(this.#options.schema, beginning, top.type);
      }
    }
    if (isDoubtful(type, place) && this.#isHeldBack(type)) return true;
    if (near !== undefined && this.#suspected !== this.#offset) {
      this.#suspected = this.#offset;
      // The standard does not forbid it.
      this.#warn('UnexpectedElement', idEnd, `unknown, and may be a damaged ${nameOf(near)}`);
    }
    if (place !== undefined) this.#wrong('UnexpectedElement', idEnd, place.text, place.tolerated);
    this.#resynced = place?.endsMaster === true;
    return this.#resynced || this.#begin(type, idEnd);
  }

  /** Holds back what cannot begin in the masters that are open if their sizes hold. */
  #isDisputed(type: EbmlElementType): boolean {
    const recovery = this.#recovery;
    if (recovery === undefined || this.#resynced || this.#admitted === this.#offset) return false;
    this.#admitted = this.#offset;
    if (!recovery.dispute(type, this.#header.dataSize, this.#masters.top)) return false;
    this.#suspicion = MISPLACED;
    this.#accept = () => {};
    this.#acceptedEnd = this.#offset + this.#headerSize;
    return true;
  }

  /** The first bytes of an element that nobody knows, or {@link INCOMPLETE} when they have not all arrived. */
  #beginningOf(type: EbmlElementType, dataSize: number): Uint8Array | typeof INCOMPLETE {
    const input = this.#input;
    const wanted = Math.min(dataSize, EXAMINED);
    if (!input.gather(wanted) && !this.#ended) return INCOMPLETE;
    const data = viewOf(input.bytes, input.position, Math.min(input.bytes.length, input.position + wanted));
    return concatBytes([headerBytes(type.id, dataSize, this.#headerSize), data]);
  }

  /** Refuses an element that nobody knows when it is one whose id is damaged, or none. */
  #examine(beginning: Uint8Array, dataSize: number, idEnd: number): void {
    const size = this.#headerSize + dataSize;
    // In masters of unknown size it may be what ends them.
    for (let { top } = this.#masters; top !== undefined; top = top.sizeKnown ? undefined : top.parent) {
      const damaged = damagedElement(this.#options.schema, beginning, this.#headerSize, size, top.type);
      if (damaged !== undefined) this.#wrong('UnexpectedElement', idEnd, `a damaged ${nameOf(damaged)}`);
    }
    if (isText(beginning)) this.#wrong('UnexpectedElement', idEnd, 'text in place of an element');
  }

  #begin(type: EbmlElementType, idEnd: number): boolean {
    const { dataSize } = this.#header;
    const { top } = this.#masters;
    const start = this.#offset + this.#headerSize;
    const isMaster = type.type === 'master';
    if (dataSize === undefined) {
      if (!type.unknownSizeAllowed) this.#wrong('UnknownSizeNotAllowed', start - 1, 'unknown size', isMaster);
    } else if (top !== undefined && start + dataSize > top.end) {
      const tolerated = this.#recovery === undefined || isBoundByDocument(top);
      const text = `${count(dataSize, 'byte')} reach past the end of the parent`;
      if (!tolerated && this.#isTooLong(start, dataSize, text)) return true;
      this.#wrong('PastParentEnd', start - 1, text, tolerated);
    }
    if (top === undefined) this.#topLevel.begun = true;
    else if (this.#countsOccurrences && occursAgain(top, type)) {
      this.#wrong('TooManyOccurrences', idEnd, 'a second one', true);
    }
    if (isMaster) return this.#beginMaster(type, dataSize, start);
    if (dataSize !== undefined && !isSizeOf(type, dataSize)) {
      this.#wrong('InvalidValue', start - 1, `a ${type.type} of ${count(dataSize, 'byte')}`, true);
    }
    return this.#beginData(type, dataSize ?? 0, start);
  }

  /** Holds back what reaches past the ends of the masters that are open, unless that has been settled. */
  #isTooLong(start: number, dataSize: number, text: string): boolean {
    const end = start + dataSize;
    const { top } = this.#masters;
    if (this.#recovery?.disputeSize(end, top) !== true) return false;
    this.#suspicion = { code: 'PastParentEnd', text };
    this.#accept = () => {
      this.#wrong('PastParentEnd', start - 1, text, true);
      freeUpTo(top, end);
    };
    this.#acceptedEnd = start;
    return true;
  }

  #beginMaster(type: EbmlElementType, dataSize: number | undefined, start: number): boolean {
    if (this.#masters.depth >= this.#maxDepth) {
      this.#wrong('TooDeep', start - 1, `more than ${this.#maxDepth} masters are open`);
    }
    const isHeader = type.id === EbmlId.EBML;
    if (isHeader) {
      this.#header.maxIdLength = 4;
      this.#header.maxSizeLength = 8;
    }
    const asked = this.#filter.takes(type);
    if (asked && this.#offersMasters && dataSize !== undefined && this.#offerMaster(type, dataSize)) return true;
    this.#masters.countHeader(this.#header, this.#headerSize);
    this.#type = undefined;
    const entered = isHeader || dataSize === undefined || this.#options.verifyCrc === true || this.#filter.enters(type);
    if (!entered) this.#skip(dataSize, start);
    if (asked || entered) this.#masters.open(type, this.#offset, this.#headerSize, dataSize, asked);
    return true;
  }

  #offerMaster(type: EbmlElementType, dataSize: number): boolean {
    const input = this.#input;
    const { bytes, position } = input;
    const end = position + dataSize;
    if (end > bytes.length || dataSize > this.#maxElementSize || this.#header.maxSizeLength < 8) return false;
    if (this.#isUnconfirmed(end)) return false;
    input.position = end;
    this.#type = undefined;
    const parent = this.#masters.top?.handle;
    if (this.#handler.takeMaster?.(type, bytes, position, end, this.#offset, this.#headerSize, parent)) return true;
    input.position = position;
    this.#type = type;
    return false;
  }

  #beginData(type: EbmlElementType, dataSize: number, start: number): boolean {
    const input = this.#input;
    const own = this.#own.takes(type);
    const needed = own || this.#filter.takes(type);
    // An id that nobody knows with a size that nobody would accept is damage, not something to pass over.
    if (dataSize > this.#maxElementSize && (needed || type.name === undefined)) {
      this.#wrong(
        'ElementTooLarge',
        start - 1,
        `${dataSize} bytes, and no more than ${this.#maxElementSize} are accepted`,
      );
    }
    this.#masters.countHeader(this.#header, this.#headerSize);
    if (needed && input.bytes.length - input.position >= dataSize) {
      const { position, run } = input;
      const end = position + dataSize;
      if (this.#recovery !== undefined && this.#mayBeLie(this.#recovery, input.bytes, position, end)) {
        this.#doubtData(type, dataSize, run, position, own);
        return true;
      }
      input.position = end;
      this.#finishData(type, dataSize, run, position, own);
      return true;
    }
    if (needed) {
      const inOnePiece = own || this.#options.copyChunks === true;
      this.#data =
        !inOnePiece && mayStayInParts(type, dataSize, input.bytes.length)
          ? new DataParts(dataSize)
          : new Assembler(dataSize, start - this.#trustedFrom);
    }
    if (needed) this.#missing = dataSize;
    else this.#skip(dataSize, start);
    return this.#readData();
  }

  /** Begins to pass over data that nobody asked for. */
  #skip(dataSize: number, start: number): void {
    const { recoverAt } = this.#options;
    this.#missing = dataSize;
    if (recoverAt === undefined || dataSize === 0) return;
    const { bytes, position } = this.#input;
    const end = position + dataSize;
    // What is too large to be kept is refused wherever chunks end.
    const isLarge = dataSize > this.#maxElementSize;
    if (isLarge || end >= bytes.length || this.#isUnconfirmed(end))
      this.#kept = new MarkKeeper(recoverAt, start, start + dataSize - this.#maxElementSize);
  }

  /** Takes the data of an element that spans chunks, or that nobody asked for. */
  #readData(): boolean {
    const input = this.#input;
    while (this.#missing > 0) {
      if (!this.#hasMore()) return this.#stop();
      const { bytes, position } = input;
      let end = Math.min(position + this.#missing, bytes.length);
      end = this.#kept?.share(bytes, position, end) ?? end;
      if (this.#data !== undefined) this.#data.append(bytes, position, end);
      else this.#masters.count(bytes, position, end);
      this.#missing -= end - position;
      input.position = end;
      if (this.#kept !== undefined) this.#keep(this.#kept, bytes, position, end);
    }
    const type = this.#type;
    const data = this.#data;
    const kept = this.#kept;
    this.#data = undefined;
    this.#kept = undefined;
    const { position, offset } = input;
    if (type !== undefined && data !== undefined) {
      if (this.#isUnconfirmed(position) && this.#holdsMark(data.bytes, 0, data.bytes.length)) {
        this.#doubtSpanning(type, data, offset);
      } else this.#finishSpanning(type, data);
    } else if (kept !== undefined && this.#isUnconfirmed(position)) {
      const bytes = kept.take();
      input.unread(bytes);
      if (bytes.length > 0) this.#doubtSkipped(offset);
    }
    if (this.#recovery?.busy !== true) this.#type = undefined;
    return true;
  }

  /** Keeps what looks like a mark in data that are passed over, and what follows it. */
  #keep(kept: MarkKeeper, bytes: Uint8Array, start: number, end: number): void {
    kept.append(bytes, start, end);
    if (!kept.isTooMuch) return;
    this.#input.unread(kept.take());
    const text = `${this.#header.dataSize} bytes that look like elements, and no more than ${this.#maxElementSize} are kept`;
    this.#wrong('ElementTooLarge', this.#offset + this.#headerSize - 1, text);
  }

  /** Whether the size of an element that ends at a place in the piece may be wrong: what follows is not there yet, or not plain to see. */
  #isUnconfirmed(end: number): boolean {
    const recovery = this.#recovery;
    if (recovery === undefined) return false;
    const { bytes, position, offset } = this.#input;
    const endOffset = offset + end - position;
    if (this.#ended && end === bytes.length && !this.#input.hasMore) return false;
    return !recovery.isFollowed(bytes, end, endOffset, this.#masters.top);
  }

  #holdsMark(bytes: Uint8Array, start: number, end: number): boolean {
    return this.#recovery !== undefined && this.#recovery.findMark(bytes, start, end) >= 0;
  }

  /** Whether the size of the element at hand may have swallowed others. */
  #mayBeLie(recovery: Recovery, bytes: Uint8Array, start: number, end: number): boolean {
    // What takes less time comes first.
    if (end - start > SOON_SEARCHED) return this.#isUnconfirmed(end) && recovery.findMark(bytes, start, end) >= 0;
    return recovery.findMark(bytes, start, end) >= 0 && this.#isUnconfirmed(end);
  }

  /** Holds the element at hand back until it is known whether its size holds. The input stands at its data, or at the first mark in them. */
  #doubt(end: number, from: number, accept: () => void): void {
    this.#accept = accept;
    this.#acceptedEnd = end;
    this.#suspicion = BROKEN_SIZE;
    this.#recovery?.doubt(end, from, false, this.#masters.top);
  }

  // Functions that are seldom made are made in methods of their own: where one is made, each call costs memory for what it refers to.
  #doubtData(type: EbmlElementType, dataSize: number, run: ByteRun, position: number, own: boolean): void {
    const { offset } = this.#input;
    this.#doubt(offset + dataSize, offset, () => this.#finishData(type, dataSize, run, position, own));
  }

  #doubtSpanning(type: EbmlElementType, data: Assembler | DataParts, end: number): void {
    this.#input.unread(data.bytes);
    this.#doubt(end, this.#input.offset, () => this.#finishSpanning(type, data));
  }

  #doubtSkipped(end: number): void {
    this.#doubt(end, this.#input.offset, () => this.#reset());
  }

  /** Holds an element back of a kind that any bytes may look like, before anything of it is read. */
  #isHeldBack(type: EbmlElementType): boolean {
    const { dataSize } = this.#header;
    if (dataSize === undefined) return false;
    const judge = this.#recovery ?? this.#judgeOf(type, dataSize);
    if (judge?.looksDoubtful(this.#offset, dataSize, type.name !== undefined) !== true) return false;
    const start = this.#offset + this.#headerSize;
    // Its header stays read.
    this.#accept = () => {};
    this.#acceptedEnd = start;
    this.#suspicion = BROKEN_SIZE;
    // What it has swallowed may begin in its header.
    this.#input.unread(headerBytes(type.id, dataSize, this.#headerSize));
    judge.doubt(start + dataSize, this.#offset + 1, true, this.#masters.top);
    return true;
  }

  /** Without recovery: of elements that may have swallowed a Cluster or a document, none is held back that is large. */
  #judgeOf(type: EbmlElementType, dataSize: number): Recovery | undefined {
    const { landmarks } = this.#options;
    if (landmarks === undefined || type.name !== undefined || dataSize > LARGEST_IN_DOUBT) return undefined;
    this.#judge ??= new Recovery(this.#input, landmarks, this.#options, this.#maxElementSize);
    return this.#judge;
  }

  #finishSpanning(type: EbmlElementType, data: Assembler | DataParts): void {
    if (data instanceof DataParts) this.#finishParts(type, data);
    else this.#finishData(type, data.bytes.length, new ByteRun(data.bytes), 0, this.#own.takes(type));
  }

  #finishParts(type: EbmlElementType, data: DataParts): void {
    const { parts, size } = data;
    for (const { bytes, start, end } of parts) this.#masters.count(bytes, start, end);
    const only = parts.length === 1 ? parts[0] : undefined;
    if (only === undefined) this.#give(type, size, data, 0);
    else this.#give(type, size, new ByteRun(only.bytes), only.start);
  }

  #finishData(type: EbmlElementType, dataSize: number, run: ByteRun, start: number, own: boolean): void {
    this.#masters.count(run.bytes, start, start + dataSize);
    if (own) {
      const fault = this.#own.read(type, this.#offset, this.#masters.top, run.bytes, start, start + dataSize);
      const end = this.#offset + this.#headerSize + Math.max(0, dataSize - 1);
      if (fault !== undefined) this.#wrong(fault.code, end, fault.text, true);
    }
    if (!own || this.#filter.takes(type)) this.#give(type, dataSize, run, start);
    else this.#type = undefined;
  }

  #give(type: EbmlElementType, dataSize: number, run: DataRun, start: number): void {
    this.#type = undefined;
    this.#handler.data(type, this.#offset, this.#headerSize, dataSize, run, start, this.#masters.top?.handle);
  }

  /** Ends the innermost master at `#offset`. */
  #close(): true {
    const master = this.#masters.top;
    if (master === undefined) return true;
    const { offset } = master;
    const truncated = this.#truncated || this.#resynced || master.damaged;
    const fault = truncated ? undefined : crcFault(master);
    if (fault !== undefined) {
      if (this.#recovery === undefined) this.#raise('CrcMismatch', Math.max(offset, this.#offset - 1), fault);
      this.#options.onGap?.({ offset, length: this.#offset - offset, reason: fault });
    }
    this.#masters.close(master, this.#offset, truncated);
    return true;
  }

  /** The element at hand is wrong: a warning when that is tolerated and not `strict`, else it is raised. */
  #wrong(code: EbmlErrorCode, offset: number, text: string, tolerated = false): void {
    if (!tolerated || this.#options.strict === true) this.#raise(code, offset, this.#describe(text));
    this.#warn(code, offset, text);
  }

  #warn(code: EbmlErrorCode, offset: number, text: string): void {
    this.#options.onWarning?.({ code, offset, message: `byte ${offset}: ${this.#describe(text)}` });
  }

  /** What is wrong with the element at hand, and where that is. */
  #describe(text: string): string {
    return `${this.#topLevel.begun ? '' : 'no EBML document: '}${text} (at ${pathOf(this.#masters.top, this.#type)})`;
  }

  /** Throws an error, which stops the parser, or, with recovery, begins a gap. */
  #raise(code: EbmlErrorCode, offset: number, text: string): never {
    const error = this.#options.createError?.(code, offset, text) ?? new EbmlParseError(code, offset, text);
    if (this.#recovery !== undefined && !this.#truncated) {
      this.#passOver(this.#recovery, error.message);
    } else {
      this.#reset();
      this.#error = error;
      this.#input = new ChunkQueue();
    }
    throw error;
  }

  /** Forgets the element at hand. */
  #reset(): void {
    this.#type = undefined;
    this.#header.begun = 0;
    this.#missing = 0;
    this.#data = undefined;
    this.#kept = undefined;
    this.#damage = undefined;
  }

  /** Begins a gap at the element at hand. */
  #passOver(recovery: Recovery, reason: string): void {
    const input = this.#input;
    const { dataSize } = this.#header;
    const start = this.#offset + this.#headerSize;
    const type = this.#type;
    if (type === undefined) input.unread(this.#header.beginning);
    else if (input.offset === start) input.unread(headerBytes(type.id, dataSize, this.#headerSize));
    this.#reset();
    this.#damage = reason;
    const ownEnd = type === undefined || dataSize === undefined ? undefined : start + dataSize;
    recovery.pass(ownEnd, Math.max(input.offset, this.#offset + 1), this.#masters.top);
  }

  /** Decides about the element at hand, or about where to go on after damage. */
  #settle(judge: Recovery): boolean {
    const input = this.#input;
    const verdict = judge.settle(this.#masters.top, this.#ended);
    switch (verdict) {
      case WAIT:
        return this.#stop();
      case HOLDS:
        input.stepTo(this.#acceptedEnd);
        this.#accept();
        return true;
      case BROKEN:
        this.#wrong(this.#suspicion.code, this.#offset + this.#headerSize - 1, this.#suspicion.text);
        return true;
      case LOST:
        input.drain();
        return this.#stop();
      default:
        this.#goOnAt(verdict);
        return true;
    }
  }

  #goOnAt({ at, bySize, anchor }: Place): void {
    if (this.#recovery === undefined)
      this.#wrong('UnexpectedElement', this.#offset + this.#headerSize - 1, 'elements in it go on past its end');
    const { top } = this.#masters;
    const offset = this.#offset;
    const reason =
      this.#damage ?? `byte ${offset + this.#headerSize - 1}: ${BROKEN_SIZE.text} (at ${pathOf(top, this.#type)})`;
    this.#input.stepTo(at);
    this.#reset();
    noteDamage(top);
    // Damage up to the end is as good as an end within it.
    if (this.#ended && !this.#input.hasMore && this.#input.position === this.#input.bytes.length)
      this.#truncated = true;
    if (!bySize) {
      this.#resynced = true;
      this.#trustedFrom = at;
      distrustRootSizes(top);
      if (anchor !== undefined) endWithin(top, anchor, at);
    }
    this.#options.onGap?.({ offset, length: at - offset, reason });
  }

  /** The bytes are used up: waits for more, or, after `end()`, closes what is open. */
  #stop(): boolean {
    if (!this.#ended) {
      this.#starved = true;
      return false;
    }
    if (this.#missing > 0 && this.#recovery !== undefined && this.#mayGoOn(this.#recovery)) return true;
    const { offset } = this.#input;
    const { top } = this.#masters;
    const damage = this.#damage;
    const unfinished = this.#header.begun > 0 || this.#missing > 0 || damage !== undefined;
    if (unfinished || (top !== undefined && top.end < Number.POSITIVE_INFINITY)) {
      this.#truncated = true;
      const text = `the stream ends too early (at ${pathOf(top, this.#type)})`;
      if (this.#options.strict === true) this.#raise('Truncated', offset, text);
      const start = this.#offset;
      this.#reset();
      if (unfinished && this.#recovery !== undefined) {
        this.#options.onGap?.({ offset: start, length: offset - start, reason: damage ?? `byte ${offset}: ${text}` });
      }
    }
    this.#offset = offset;
    if (top !== undefined) return this.#close();
    this.#done = true;
    return false;
  }

  /** Whether the stream ended in an element whose size may be a lie: elements in it that go on to the very end are then not payload. */
  #mayGoOn(recovery: Recovery): boolean {
    if (this.#cut || this.#truncated) return false;
    this.#cut = true;
    const data = this.#data?.taken ?? this.#kept?.take();
    const { dataSize } = this.#header;
    if (data === undefined || dataSize === undefined) return false;
    // What it has swallowed may begin in its header.
    const isWhole = this.#input.offset - data.length === this.#offset + this.#headerSize;
    const header =
      isWhole && this.#type !== undefined
        ? headerBytes(this.#type.id, dataSize, this.#headerSize)
        : data.subarray(0, 0);
    const bytes = concatBytes([header.subarray(1), data]);
    if (recovery.findMark(bytes, 0, bytes.length) < 0) return false;
    this.#input.unread(bytes);
    this.#doubt(Number.POSITIVE_INFINITY, this.#input.offset, () => {});
    return true;
  }
}

/** Whether an element is of a kind that any bytes may look like. */
function isDoubtful(type: EbmlElementType, place: Misplacement | undefined): boolean {
  if (place === undefined) return type.name === undefined || type.id === EbmlId.Void;
  return place.tolerated && !place.endsMaster && !isLandmark(type);
}
