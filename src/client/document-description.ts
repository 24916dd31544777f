import { crc32 } from '../ebml/crc32.js';
import type { MkvDataElement, MkvElement, MkvStartMasterElement } from '../mkv/element.js';
import { Mkv } from '../mkv/elements.js';
import type { MkvWarning } from '../mkv/reader-options.js';

/** What a document says of how its frames are to be read: its EBML header, TimestampScale and Tracks. */
export interface DocumentDescription {
  /** The same for documents that say the same. */
  readonly key: string;
  /** What is not as it usually is; `undefined` where all is. A wrong bit would look like this, and so do some producers. */
  readonly oddity: string | undefined;
}

/** What most producers write, and the value that an element has which is not there. */
const USUAL_TIMESTAMP_SCALE = 1_000_000;

/** Reads descriptions, document by document. It is shown all of the EBML header and Tracks, and the TimestampScale. */
export class DescriptionReader {
  #header = 0;
  #tracks = 0;
  #timestampScale: number | undefined;
  #master: MkvStartMasterElement | undefined;
  #oddity: string | undefined;
  #entries = 0;
  /** How many elements there are that each TrackEntry has. */
  #mandatory = 0;
  #warnings = '';

  /** The next element. */
  show(element: MkvElement): void {
    if (element.kind === 'data') {
      if (element.type === Mkv.TimestampScale) this.#timestampScale = numberOf(element);
      else if (this.#master !== undefined) this.#add(element, element.data);
    } else if (element.kind === 'start') {
      if (element.type === Mkv.EBML) this.#begin();
      if (element.type === Mkv.EBML || element.type === Mkv.Tracks) this.#master = element;
      else if (this.#master !== undefined) this.#add(element);
    } else if (element.start === this.#master) {
      this.#master = undefined;
    }
  }

  /** The reader tolerates something. */
  warn({ code, message }: MkvWarning): void {
    // What stands at which byte differs from document to document.
    this.#warnings += `${code} ${message.replace(/\d+/g, '')}\n`;
    this.#oddity ??= message;
  }

  /** A fragment ends here. */
  take(): DocumentDescription {
    const scale = this.#timestampScale;
    if (scale !== USUAL_TIMESTAMP_SCALE) this.#oddity ??= `its TimestampScale is ${scale ?? 'missing'}`;
    if (this.#mandatory !== 3 * this.#entries) this.#oddity ??= 'a TrackEntry is incomplete';
    const key = `${this.#header} ${scale} ${this.#tracks} ${this.#warnings}`;
    const oddity = this.#oddity;
    this.#warnings = '';
    this.#oddity = undefined;
    return { key, oddity };
  }

  #begin(): void {
    this.#header = 0;
    this.#tracks = 0;
    this.#timestampScale = undefined;
    this.#entries = 0;
    this.#mandatory = 0;
  }

  #add(element: MkvStartMasterElement | MkvDataElement, data?: Uint8Array): void {
    const { type } = element;
    if (type === Mkv.Void || type === Mkv['CRC-32']) return;
    const isHeader = this.#master?.type === Mkv.EBML;
    const sum = sumOf(type.id, data, isHeader ? this.#header : this.#tracks);
    if (isHeader) this.#header = sum;
    else this.#tracks = sum;
    if (type === Mkv.TrackEntry) this.#entries++;
    if (type === Mkv.TrackNumber || type === Mkv.TrackType || type === Mkv.CodecID) this.#mandatory++;
    if (isUnusual(element)) this.#oddity ??= `it has an unusual ${type.name}`;
  }
}

/** Elements that change how a document is read, and that hardly any producer writes. */
function isUnusual(element: MkvStartMasterElement | MkvDataElement): boolean {
  if (element.kind === 'start') return element.type === Mkv.ContentEncoding;
  switch (element.type) {
    case Mkv.TrackTimestampScale:
    case Mkv.EBMLReadVersion:
      return numberOf(element) !== 1;
    case Mkv.EBMLMaxIDLength:
      return numberOf(element) !== 4;
    case Mkv.EBMLMaxSizeLength:
      return numberOf(element) !== 8;
    default:
      return false;
  }
}

function numberOf(element: MkvDataElement): number | undefined {
  try {
    return Number(element.value);
  } catch {
    return undefined;
  }
}

const HEAD = new DataView(new ArrayBuffer(8));
const HEAD_BYTES = new Uint8Array(HEAD.buffer);

/** Goes on with a sum of elements, whatever their sizes are written like. A single wrong bit always gives another one. */
function sumOf(id: number, data: Uint8Array | undefined, before: number): number {
  HEAD.setUint32(0, id);
  HEAD.setUint32(4, data?.length ?? 0);
  const sum = crc32(HEAD_BYTES, before);
  return data === undefined ? sum : crc32(data, sum);
}
