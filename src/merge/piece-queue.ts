import { ByteRun, type DataRun } from '../ebml/byte-run.js';
import { type Bytes, viewOf } from '../ebml/bytes.js';
import { headerBytes } from '../ebml/vint.js';
import type { MkvDataElement, MkvElement, MkvStartMasterElement } from '../mkv/element.js';

/** Pieces below this are copied together: a chunk of its own costs more than the copy. */
const SMALL = 1024;

const NOTHING: readonly Bytes[] = [];

/** Bytes that lie behind each other: those of `bytes` from `start` to `end`. */
interface Run {
  readonly bytes: Bytes;
  readonly start: number;
  end: number;
}

/**
 * Bytes on their way out, where they lie. What lies behind each other in memory becomes one piece, so that what is passed on unchanged
 * leaves in pieces as large as it came.
 */
export class PieceQueue {
  #runs: Run[] = [];
  #last: Run | undefined;
  #length = 0;

  /** How many bytes have been added in all. */
  get length(): number {
    return this.#length;
  }

  /** Adds bytes, by default all of them; they are referred to. */
  add(bytes: Bytes, start = 0, end = bytes.length): void {
    if (start === end) return;
    this.#length += end - start;
    const last = this.#last;
    if (last !== undefined && last.bytes === bytes && last.end === start) {
      last.end = end;
    } else {
      this.#last = { bytes, start, end };
      this.#runs.push(this.#last);
    }
  }

  /** Adds an element as it came: header and data, of a master the header. */
  addElement(element: MkvStartMasterElement | MkvDataElement): void {
    if (element.kind === 'start') this.add(element.rawHeader);
    else this.addData(element.type.id, element.headerSize, element.dataSize, element.run, element.start);
  }

  /** Adds the header of a master whose first child is `first`: from where it lies, if that is before the child. */
  addHeader(master: MkvStartMasterElement, first: MkvElement | undefined): void {
    const { headerSize } = master;
    if (first?.kind === 'data' && first.offset === master.offset + headerSize) {
      const end = first.start - first.headerSize;
      if (end >= headerSize) {
        this.add(first.bytes, end - headerSize, end);
        return;
      }
    }
    this.add(master.rawHeader);
  }

  /** Adds an element whose data lies in `run` at `start`; if that is not below `headerSize`, its header lies right before it. */
  addData(id: number, headerSize: number, dataSize: number, run: DataRun, start: number): void {
    if (run instanceof ByteRun && start >= headerSize) {
      this.add(run.bytes, start - headerSize, start + dataSize);
      return;
    }
    const from = run.headStart + start - headerSize;
    if (from >= 0) this.add(run.head, from, from + headerSize);
    else this.add(headerBytes(id, dataSize, headerSize));
    this.addRun(run, start, dataSize);
  }

  /** Adds `length` bytes of a run from `start`; of data in parts all of them, whatever these say. */
  addRun(run: DataRun, start: number, length: number): void {
    if (run instanceof ByteRun) this.add(run.bytes, start, start + length);
    else for (const part of run.parts) this.add(part.bytes, part.start, part.end);
  }

  /** What has been added since the last call. Only small pieces are copied. */
  take(): readonly Bytes[] {
    const runs = this.#runs;
    const last = this.#last;
    if (last === undefined) return NOTHING;
    this.#last = undefined;
    if (runs.length === 1) {
      runs.pop();
      return [viewOf(last.bytes, last.start, last.end)];
    }
    this.#runs = [];
    const pieces: Bytes[] = [];
    let small = 0;
    let length = 0;
    for (const [index, run] of runs.entries()) {
      const size = run.end - run.start;
      if (size < SMALL) {
        length += size;
        continue;
      }
      if (small < index) pieces.push(join(runs, small, index, length));
      pieces.push(viewOf(run.bytes, run.start, run.end));
      small = index + 1;
      length = 0;
    }
    if (small < runs.length) pieces.push(join(runs, small, runs.length, length));
    return pieces;
  }
}

/** The runs from `from` to `to` in one array of `length` bytes. */
function join(runs: readonly Run[], from: number, to: number, length: number): Bytes {
  const joined = new Uint8Array(length);
  let at = 0;
  for (const { bytes, start, end } of runs.slice(from, to)) {
    // For a few bytes a call of set() costs more than this loop.
    if (end - start < 64) for (let i = start; i < end; i++) joined[at + i - start] = bytes[i]!;
    else joined.set(viewOf(bytes, start, end), at);
    at += end - start;
  }
  return joined;
}
