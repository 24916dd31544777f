import type { Bytes } from './bytes.js';
import { acceptHeaderElement, isHeaderElement } from './document-header.js';
import { type EbmlElementType, EbmlId } from './element-type.js';
import type { EbmlParserOptions } from './handler.js';
import type { HeaderReader } from './header.js';
import { expectCrc, type Fault, type OpenMaster } from './open-master.js';
import { decodeString } from './text.js';

/** The elements that the parser itself reads, asked for or not: what the EBML header says about reading on, and CRC-32s to check. */
export class OwnElements {
  readonly #options: EbmlParserOptions;
  readonly #limits: Pick<HeaderReader, 'maxIdLength' | 'maxSizeLength'>;

  constructor(options: EbmlParserOptions, header: HeaderReader) {
    this.#options = options;
    // A stream that may be damaged may have its limits damaged, and whole Clusters must not be lost for it.
    this.#limits = options.recoverAt === undefined ? header : { maxIdLength: 0, maxSizeLength: 0 };
  }

  /** Whether elements of the type are among them. */
  takes(type: EbmlElementType): boolean {
    return type.id === EbmlId.Crc32 ? this.#options.verifyCrc === true : isHeaderElement(type);
  }

  /** Reads one, at `offset` in `top`, its data in `bytes` from `start` to `end`. Returns what is wrong with it. */
  read(
    type: EbmlElementType,
    offset: number,
    top: OpenMaster<unknown> | undefined,
    bytes: Bytes,
    start: number,
    end: number,
  ): Fault | undefined {
    if (type.id === EbmlId.Crc32) return top && expectCrc(top, offset, bytes, start, end);
    if (acceptHeaderElement(type, bytes, start, end, this.#options.docTypes, this.#limits)) return undefined;
    const value = JSON.stringify(decodeString(bytes, start, Math.min(end, start + 40)));
    return { code: 'UnsupportedDocument', text: `${value} is not supported` };
  }
}
