import { crc32 } from '../ebml/crc32.js';
import type { EbmlElementType } from '../ebml/element-type.js';
import { concatBytes } from '../ebml/writer.js';
import type { MkvDataElement, MkvStartMasterElement } from '../mkv/element.js';
import { Mkv } from '../mkv/elements.js';
import { voidElement } from './void-element.js';

interface Part {
  readonly element: MkvStartMasterElement | MkvDataElement;
  readonly bytes: readonly Uint8Array[];
}

/** An element outside of the Clusters, gathered until it is whole: the EBML header, Info, Tracks, Tags and the like. */
export class GatheredElement {
  /** What it begins with; for an element that is no master, all there is. */
  readonly root: MkvStartMasterElement | MkvDataElement;
  readonly #parts: Part[] = [];

  constructor(root: MkvStartMasterElement | MkvDataElement) {
    this.root = root;
    this.add(root);
  }

  /** The type of the element. */
  get type(): EbmlElementType {
    return this.root.type;
  }

  /** Takes what stands in it, in order. */
  add(element: MkvStartMasterElement | MkvDataElement): void {
    const { rawHeader } = element;
    this.#parts.push({ element, bytes: element.kind === 'data' ? [rawHeader, element.data] : [rawHeader] });
  }

  /** The element as it came; a CRC-32 of the whole Segment, to which more is going to belong, gives way to a Void element. */
  bytes(): Uint8Array {
    const bytes = concatBytes(this.#parts.flatMap(({ bytes }) => bytes));
    return this.type === Mkv['CRC-32'] ? voidElement(bytes.length) : bytes;
  }

  /**
   * The element without what was true only where the producer wrote it: SeekHead and Cues are Void elements, in Info the Duration is
   * one, each of the same size, and the CRC-32 of Info is right again.
   */
  bytesWithoutPositions(): Uint8Array {
    const bytes = this.bytes();
    if (this.type === Mkv.SeekHead || this.type === Mkv.Cues) return voidElement(bytes.length);
    if (this.type !== Mkv.Info) return bytes;
    let at = 0;
    let crcEnd = 0;
    let voided = false;
    for (const { element, bytes: pieces } of this.#parts) {
      const start = at;
      for (const piece of pieces) at += piece.length;
      if (element.parent !== this.root) continue;
      if (element.is(Mkv['CRC-32']) && element.dataSize === 4) crcEnd = at;
      if (element.is(Mkv.Duration)) {
        bytes.set(voidElement(at - start), start);
        voided = true;
      }
    }
    if (voided && crcEnd > 0) bytes.set(crcData(crc32(bytes, 0, crcEnd)), crcEnd - 4);
    return bytes;
  }
}

/** The data of a CRC-32 element: the least significant byte first (RFC 8794 section 11.3.1). */
export function crcData(crc: number): Uint8Array {
  return Uint8Array.of(crc, crc >>> 8, crc >>> 16, crc >>> 24);
}
