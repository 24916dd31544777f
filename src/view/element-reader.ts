import { ByteRun } from '../ebml/byte-run.js';
import type { Bytes } from '../ebml/bytes.js';
import { count } from '../ebml/plural.js';
import { decodeString } from '../ebml/text.js';
import { Block } from '../mkv/block.js';
import { MkvDataElement } from '../mkv/element.js';
import { blockText, exactValue } from '../mkv/element-text.js';
import { Mkv } from '../mkv/elements.js';
import { MkvParseError } from '../mkv/parse-error.js';
import type { PageReader } from './byte-source.js';
import { DAMAGE_ID, type ElementIndex, type IndexedElement, nameOfId } from './element-index.js';
import type { FrameTable } from './frame-table.js';
import { lowerBound } from './lower-bound.js';
import { type ElementRecord, MOST_VALUE_TEXT } from './protocol.js';

/** So many bytes of a value are read to show it in its row: a Block's lacing is in the first few thousand. */
const HEAD = 8192;
/** So many bytes of binary data are shown in a row. */
const SHOWN_BYTES = 16;
/** The longest string that is read as a whole, in bytes. */
const LONGEST = 16 * 1024 * 1024;

/** The text of a value, and whether there is more of it. */
export interface ValueText {
  readonly text: string;
  readonly cut: boolean;
}

/** Reads elements of the index back from where the bytes are. */
export class ElementReader {
  readonly #index: ElementIndex;
  readonly #frames: FrameTable;
  readonly #pages: PageReader;

  constructor(index: ElementIndex, frames: FrameTable, pages: PageReader) {
    this.#index = index;
    this.#frames = frames;
    this.#pages = pages;
  }

  /** An element, with its value as it is shown in a row. */
  async record(element: IndexedElement): Promise<ElementRecord> {
    const { type, master, id, ...place } = element;
    const value = master ? undefined : await this.valueText(element, MOST_VALUE_TEXT);
    const isBlock = type === Mkv.SimpleBlock || type === Mkv.Block;
    const { first, count } = isBlock ? this.#framesOf(element.offset) : { first: undefined, count: 0 };
    return {
      ...place,
      id,
      master,
      name: nameOfId(id),
      children: master ? this.#index.countChildren(element.element) : 0,
      type: master ? undefined : type?.type,
      value: value?.text,
      cut: value?.cut ?? false,
      frame: first,
      frames: count,
    };
  }

  /**
   * The value of a data element as text.
   *
   * @param most how many characters of it, about
   */
  async valueText(element: IndexedElement, most: number): Promise<ValueText> {
    const { type, offset, headerSize, dataSize, id } = element;
    if (id === DAMAGE_ID) return { text: count(dataSize, 'byte'), cut: false };
    const isText = type?.type === 'utf-8' || type?.type === 'string';
    const wanted = Math.min(dataSize, isText ? Math.min(LONGEST, Math.max(HEAD, most * 4)) : HEAD);
    const bytes = await this.#pages.read(offset + headerSize, wanted);
    if (bytes.length < wanted) return { text: '', cut: true };
    if (isText && dataSize > 0) return cutText(decodeString(bytes, 0, bytes.length), most, dataSize > wanted);
    if (type === Mkv.SimpleBlock || type === Mkv.Block) {
      return { text: textOfBlock(bytes, dataSize, type === Mkv.SimpleBlock), cut: false };
    }
    if (type === undefined || type.type === 'binary') return textOfBytes(bytes, dataSize, most);
    const data = new MkvDataElement(type, offset, headerSize, dataSize, new ByteRun(bytes), 0, undefined);
    return { text: textOf(data), cut: false };
  }

  /** A string whole, as far as it is reasonable. */
  async wholeText(element: IndexedElement): Promise<string> {
    const { text } = await this.valueText(element, LONGEST);
    return text;
  }

  /** The frames of a Block. */
  #framesOf(offset: number): { readonly first: number | undefined; readonly count: number } {
    const { block, first } = this.#frames;
    const begin = lowerBound(block, offset);
    let end = begin;
    while (block[end] === offset) end++;
    return { first: begin === end ? undefined : first + begin, count: end - begin };
  }
}

function cutText(text: string, most: number, isMore: boolean): ValueText {
  return text.length > most ? { text: text.slice(0, most), cut: true } : { text, cut: isMore };
}

function textOf(element: MkvDataElement): string {
  try {
    if (element.type.type === 'date') return element.dateValue.toISOString();
    const value = exactValue(element);
    return value === null ? `invalid: ${count(element.dataSize, 'byte')} are no ${element.type.type}` : String(value);
  } catch (error) {
    if (error instanceof MkvParseError || error instanceof RangeError) return `invalid: ${error.message}`;
    throw error;
  }
}

function textOfBlock(head: Bytes, size: number, simple: boolean): string {
  try {
    return blockText(new Block(new ByteRun(head), 0, size, 0, simple));
  } catch (error) {
    if (error instanceof MkvParseError) return `invalid: ${error.message}`;
    throw error;
  }
}

function textOfBytes(bytes: Uint8Array, size: number, most: number): ValueText {
  const shown = Math.min(bytes.length, most <= MOST_VALUE_TEXT ? SHOWN_BYTES : most / 3);
  const text = Array.from(bytes.subarray(0, shown), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
  return { text, cut: size > shown };
}
