import { crc32 } from 'node:zlib';
import type { MkvElement } from '../src/mkv/element.js';
import { MkvParseError } from '../src/mkv/parse-error.js';
import { type MkvGap, type MkvReaderOptions, type MkvWarning, StreamingMkvReader } from '../src/mkv/reader.js';
import { ensure, Finding } from './finding.js';

/** All that a reader said of some bytes. */
export interface Reading {
  /** Elements, warnings, gaps and the error as lines, in order. */
  readonly events: readonly string[];
  /** The elements among them. */
  readonly elements: readonly string[];
  readonly ids: readonly number[];
  readonly warnings: readonly MkvWarning[];
  readonly gaps: readonly MkvGap[];
  readonly error: MkvParseError | undefined;
  readonly truncated: boolean;
}

/** A gap whose bytes have been given all the same. */
export function isChecksumGap({ reason }: MkvGap): boolean {
  return / has the CRC-32 0x/.test(reason);
}

/** The masters that may be open at once by default. */
const MAX_DEPTH = 64;

/**
 * Reads chunks and holds what comes to what is always promised: only `MkvParseError`, and the same again after it; elements in order,
 * within the bytes and with the bytes that stand there, beginnings and ends in pairs.
 */
export function readAll(chunks: Iterable<Uint8Array>, whole: Uint8Array, options: MkvReaderOptions): Reading {
  const events: string[] = [];
  const elements: string[] = [];
  const ids: number[] = [];
  const warnings: MkvWarning[] = [];
  const gaps: MkvGap[] = [];
  const open: MkvElement[] = [];
  const reader = new StreamingMkvReader({
    ...options,
    onGap: (gap) => {
      gaps.push(gap);
      events.push(`gap at ${gap.offset} of ${gap.length}: ${gap.reason}`);
    },
    onWarning: (warning) => {
      warnings.push(warning);
      events.push(`${warning.code}: ${warning.message}`);
    },
  });
  let reached = 0;
  let pushed = 0;
  const take = () => {
    for (;;) {
      const element = reader.nextIfAvailable();
      if (element === undefined) return;
      // To read the data is to put them together.
      const parts = element.kind === 'data' ? element.parts : [];
      const line = describe(element);
      events.push(line);
      elements.push(line);
      ids.push(element.type.id);
      ensure(element.offset >= reached, () => `<${line}> comes after byte ${reached}`);
      reached = element.offset;
      if (element.kind === 'end') {
        ensure(open.pop() === element.start, () => `<${line}> ends a master that is not the innermost`);
        continue;
      }
      ensure(
        element.parent === undefined || options.elements !== undefined || element.parent === open.at(-1),
        'a wrong parent',
      );
      ensureBytes(element.rawHeader, whole, element.offset);
      reached += element.headerSize;
      if (element.kind === 'start') {
        open.push(element);
        ensure(element.path.length < MAX_DEPTH, 'too many masters are open');
      } else {
        let start = reached;
        for (const part of parts) {
          ensureBytes(part, whole, start);
          start += part.length;
        }
        ensure(start === reached + element.dataSize, 'parts are not all of the data');
        ensureBytes(element.data, whole, reached);
        reached += element.dataSize;
        ensure(reached <= pushed, 'an element is given before its bytes have come');
        readValue(element);
      }
    }
  };
  let error: MkvParseError | undefined;
  try {
    for (const chunk of chunks) {
      pushed += chunk.length;
      reader.push(chunk);
      take();
    }
    reader.end();
    take();
    ensure(!reader.mightHaveNext(), 'there might be more elements after the last');
    ensure(reader.error === undefined, 'an error that was not thrown');
    ensure(open.length === 0, 'a master has no end');
  } catch (thrown) {
    if (!(thrown instanceof MkvParseError)) throw thrown;
    error = thrown;
    events.push(`${error.code}: ${error.message}`);
    ensure(options.recover !== true || error.code === 'Truncated', () => `an error with recover: <${thrown.message}>`);
    ensure(error.offset >= 0 && error.offset <= whole.length, 'an error outside of the bytes');
    ensure(!reader.mightHaveNext() && reader.error === error, 'a reader that has failed does not say so');
    ensureStopped(reader, error);
  }
  return { events, elements, ids, warnings, gaps, error, truncated: reader.truncated };
}

function ensureStopped(reader: StreamingMkvReader, error: MkvParseError): void {
  for (const call of [() => reader.nextIfAvailable(), () => reader.push(new Uint8Array(1))]) {
    try {
      call();
    } catch (again) {
      // Chunks can't be pushed after the end, error or not.
      if (again === error || again instanceof TypeError) continue;
      throw again;
    }
    throw new Finding('a reader that has failed goes on');
  }
}

function describe(element: MkvElement): string {
  const { kind, type, offset, headerSize, dataSize, path } = element;
  const start = `${kind} ${type.id.toString(16)} in ${path.length}, ${path.at(-1)?.offset} at ${offset}/${headerSize}/${dataSize}`;
  if (element.kind === 'data') return `${start} ${crc32(element.data)}`;
  return element.kind === 'end' && element.truncated ? `${start} cut` : start;
}

function ensureBytes(bytes: Uint8Array, whole: Uint8Array, offset: number): void {
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] !== whole[offset + i]) throw new Finding('an element has other bytes than the stream');
  }
}

/** Reads all that can be read of an element; only `MkvParseError` may come of it. */
function readValue(element: MkvElement): void {
  if (element.kind !== 'data') return;
  const end = element.offset + element.headerSize + element.dataSize;
  // Most elements have no integer: errors that nobody looks at need no stack.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  for (const read of [() => element.value, () => element.bigintValue, () => element.dateValue]) {
    try {
      const value: unknown = read();
      if (typeof value !== 'object' || value === null || !('frameCount' in value)) continue;
      ensure(
        'frames' in value && Array.isArray(value.frames) && value.frames.length === value.frameCount,
        'frames are missing',
      );
    } catch (error) {
      if (!(error instanceof MkvParseError)) throw error;
      ensure(error.offset >= element.offset && error.offset <= end, 'the error of a value lies outside of it');
    }
  }
  Error.stackTraceLimit = stackTraceLimit;
}

/** The bytes that the elements of a reading consist of, in order: its input without what was passed over. */
export function givenBytes({ elements }: Reading, whole: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const line of elements) {
    const { at, length } = extentOf(line);
    parts.push(whole.subarray(at, at + length));
  }
  return Buffer.concat(parts);
}

/** Where an element lies by its line in a reading, and how long it is: of a master the header. */
function extentOf(line: string): { at: number; length: number } {
  const [, at = '0', header = '0', size = '0'] = /at (\d+)\/(\d+)\/(\d+|undefined)/.exec(line) ?? [];
  return { at: Number(at), length: Number(header) + (line.startsWith('data') ? Number(size) : 0) };
}

/** The bytes of all elements and gaps of a reading: with `recover`, all bytes there are. */
export function accountedBytes({ elements, gaps }: Reading): number {
  let sum = 0;
  for (const line of elements) sum += extentOf(line).length;
  for (const gap of gaps) if (!isChecksumGap(gap)) sum += gap.length;
  return sum;
}
