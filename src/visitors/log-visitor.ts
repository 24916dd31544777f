import { nameOf } from '../ebml/path.js';
import { count } from '../ebml/plural.js';
import type { MkvDataElement, MkvEndMasterElement, MkvStartMasterElement } from '../mkv/element.js';
import { MkvParseError } from '../mkv/parse-error.js';
import { MkvElementVisitor } from './visitor.js';

/** Writes a line for each element: name, place, size, and the value where it is text or a number. */
export class LogVisitor extends MkvElementVisitor {
  readonly #log: (line: string) => void;

  /** @param log takes a line without its end; default `console.log` */
  constructor(log: (line: string) => void = (line) => console.log(line)) {
    super();
    this.#log = log;
  }

  override visitStart(element: MkvStartMasterElement): void {
    this.#line(element, `start ${describe(element)}`);
  }

  override visitEnd(element: MkvEndMasterElement): void {
    this.#line(element, `end ${nameOf(element.type)} at ${element.offset}${element.truncated ? ', truncated' : ''}`);
  }

  override visitData(element: MkvDataElement): void {
    this.#line(element, `${describe(element)}${valueText(element)}`);
  }

  #line(element: MkvStartMasterElement | MkvEndMasterElement | MkvDataElement, text: string): void {
    this.#log('  '.repeat(element.path.length) + text);
  }
}

function describe(element: MkvStartMasterElement | MkvDataElement): string {
  return `${nameOf(element.type)} at ${element.offset}, ${element.dataSize === undefined ? 'an unknown number of bytes' : count(element.dataSize, 'byte')}`;
}

function valueText(element: MkvDataElement): string {
  if (element.type.type === 'binary') return '';
  try {
    if (element.type.type === 'date') return `: ${element.dateValue.toISOString()}`;
    const { value } = element;
    // A stream's text must not be able to steer a terminal.
    return `: ${typeof value === 'string' ? JSON.stringify(value) : String(value)}`;
  } catch (error) {
    if (error instanceof MkvParseError || error instanceof RangeError) return `: invalid (${error.message})`;
    throw error;
  }
}
