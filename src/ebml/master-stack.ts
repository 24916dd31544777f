import type { EbmlElementType } from './element-type.js';
import type { EbmlHandler } from './handler.js';
import type { HeaderReader } from './header.js';
import { countCrc, type OpenMaster } from './open-master.js';
import { headerBytes } from './vint.js';

/** The masters that are open. The handler is told when one begins and, if it was asked for, when it ends. */
export class MasterStack<M> {
  /** The innermost. */
  top: OpenMaster<M> | undefined;
  readonly #handler: EbmlHandler<M>;
  readonly #countsCrc: boolean;

  constructor(handler: EbmlHandler<M>, countsCrc: boolean) {
    this.#handler = handler;
    this.#countsCrc = countsCrc;
  }

  /** How many are open. */
  get depth(): number {
    return this.top?.depth ?? 0;
  }

  /** Opens one within the innermost. */
  open(type: EbmlElementType, offset: number, headerSize: number, dataSize: number | undefined, asked: boolean): void {
    const parent = this.top;
    const start = offset + headerSize;
    this.top = {
      type,
      offset,
      start,
      end: dataSize === undefined ? (parent?.end ?? Number.POSITIVE_INFINITY) : start + dataSize,
      sizeKnown: dataSize !== undefined,
      saidEnd: undefined,
      parent,
      depth: this.depth + 1,
      handle: this.#handler.masterStart(type, offset, headerSize, dataSize, parent?.handle, asked),
      asked,
      damaged: false,
      seen: undefined,
      expectedCrc: undefined,
      crc: 0,
    };
  }

  /** Closes the innermost. */
  close(master: OpenMaster<M>, offset: number, truncated: boolean): void {
    this.top = master.parent;
    if (master.asked) this.#handler.masterEnd(master.handle, offset, truncated);
  }

  /** Counts bytes into the CRC-32s that are checked. */
  count(bytes: Uint8Array, start: number, end: number): void {
    if (this.#countsCrc) countCrc(this.top, bytes, start, end);
  }

  /** The same of the header last read. */
  countHeader({ id, dataSize }: HeaderReader, headerSize: number): void {
    if (this.#countsCrc) this.count(headerBytes(id, dataSize, headerSize), 0, headerSize);
  }
}
