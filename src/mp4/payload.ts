import { count } from '../ebml/plural.js';
import { CodecDataError } from '../mkv/codec/codec-error.js';
import { eachNal } from '../mkv/codec/nal.js';

/** Frames of one track, ready to be written behind each other as an MP4 sample each. */
export class Payload {
  /** Size of each sample in bytes. */
  readonly sizes: number[] = [];
  /** How long each sample of audio is, in ticks, and the source's time of it, in microseconds. */
  readonly durations: number[] = [];
  readonly timestamps: number[] = [];
  /** Of all samples. */
  size = 0;
  readonly #frames: Uint8Array[] = [];
  /** Width of the lengths of NAL units. */
  #lengthSize = 4;
  /** Where the NAL units of a frame begin and end, when they get new lengths; else nothing. */
  readonly #units: (readonly number[] | undefined)[] = [];

  /** Adds a frame that is stored as MP4 wants it, of so many ticks from a time in microseconds. */
  add(frame: Uint8Array, duration: number, timestamp: number): void {
    this.durations.push(duration);
    this.timestamps.push(timestamp);
    this.#push(frame, undefined, frame.length);
  }

  /**
   * Adds a frame of NAL units.
   *
   * @param lengthSize how it is stored, 0 for Annex B
   * @param wanted width of the lengths in MP4
   * @param visit is told where each NAL unit begins
   * @throws CodecDataError when the NAL units don't add up to the frame, there are none, or one is too long
   */
  addNals(frame: Uint8Array, lengthSize: number, wanted: number, visit: (start: number) => void): void {
    const units: number[] = [];
    let size = 0;
    eachNal(frame, lengthSize, (start, end) => {
      if (end - start >= 256 ** wanted) {
        throw new CodecDataError(
          `a NAL unit of ${count(end - start, 'byte')}, behind lengths of ${wanted}`,
          'InvalidMediaFrame',
        );
      }
      units.push(start, end);
      size += wanted + end - start;
      visit(start);
    });
    // Zeros that were left behind the last unit are of none.
    const isTight = lengthSize === wanted && size === frame.length;
    this.#lengthSize = wanted;
    this.#push(frame, isTight ? undefined : units, size);
  }

  /** Writes all samples; the only copy that is made of them. */
  writeTo(target: Uint8Array, position: number): void {
    this.#write(target, position, 0, this.#frames.length);
  }

  /** All samples in order, as few pieces as may be: large ones are the frames themselves, small ones are gathered in copies. */
  pieces(): Uint8Array[] {
    const pieces: Uint8Array[] = [];
    let first = 0;
    let size = 0;
    const gather = (end: number) => {
      if (size === 0) return;
      const piece = new Uint8Array(size);
      this.#write(piece, 0, first, end);
      pieces.push(piece);
      size = 0;
    };
    this.#frames.forEach((frame, index) => {
      const isLarge = frame.length >= LARGE && this.#units[index] === undefined;
      if (isLarge || size >= GATHERED) gather(index);
      if (isLarge) {
        pieces.push(frame);
      } else {
        if (size === 0) first = index;
        size += this.sizes[index]!;
      }
    });
    gather(this.#frames.length);
    return pieces;
  }

  #write(target: Uint8Array, position: number, first: number, end: number): void {
    let at = position;
    for (let index = first; index < end; index++) {
      const frame = this.#frames[index]!;
      const units = this.#units[index];
      if (units === undefined) {
        target.set(frame, at);
        at += frame.length;
        continue;
      }
      for (let i = 0; i < units.length; i += 2) {
        const [start, end] = [units[i]!, units[i + 1]!];
        const length = end - start;
        for (let shift = 8 * (this.#lengthSize - 1); shift >= 0; shift -= 8) target[at++] = length >>> shift;
        target.set(frame.subarray(start, end), at);
        at += length;
      }
    }
  }

  #push(frame: Uint8Array, units: readonly number[] | undefined, size: number): void {
    this.#frames.push(frame);
    this.#units.push(units);
    this.sizes.push(size);
    this.size += size;
  }
}

/** Frames from this size on are given as they are: a call costs less than a copy. */
const LARGE = 4096;

/** How much of smaller ones is gathered. */
const GATHERED = 65536;
