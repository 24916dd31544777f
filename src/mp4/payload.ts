import { CodecDataError } from '../mkv/codec/codec-error.js';
import { eachNal, isAnnexB } from '../mkv/codec/nal.js';

/** Frames of one track, ready to be written behind each other as an MP4 sample each. */
export class Payload {
  /** Size of each sample in bytes. */
  readonly sizes: number[] = [];
  /** How long each sample of audio is, in ticks. */
  readonly durations: number[] = [];
  /** Of all samples. */
  size = 0;
  readonly #frames: Uint8Array[] = [];
  /** Where the NAL units of a frame begin and end, when they get new lengths; else nothing. */
  readonly #units: (readonly number[] | undefined)[] = [];

  /** Adds a frame that is stored as MP4 wants it, of so many ticks. */
  add(frame: Uint8Array, duration: number): void {
    this.durations.push(duration);
    this.#push(frame, undefined, frame.length);
  }

  /**
   * Adds a frame of NAL units.
   *
   * @param lengthSize how it is stored, 0 for Annex B
   * @param wanted width of the lengths in MP4
   * @throws CodecDataError when the NAL units don't add up to the frame
   */
  addNals(frame: Uint8Array, lengthSize: number, wanted: number): void {
    if (lengthSize === wanted) {
      eachNal(frame, lengthSize, () => {});
      this.#push(frame, undefined, frame.length);
      return;
    }
    const units: number[] = [];
    let size = 0;
    eachNal(frame, lengthSize, (start, end) => {
      units.push(start, end);
      size += wanted + end - start;
    });
    this.#push(frame, units, size);
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
        target[at] = length >>> 24;
        target[at + 1] = length >>> 16;
        target[at + 2] = length >>> 8;
        target[at + 3] = length;
        target.set(frame.subarray(start, end), at + CONVERTED_LENGTH_SIZE);
        at += CONVERTED_LENGTH_SIZE + length;
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

/** Width of the lengths that converted frames get. */
export const CONVERTED_LENGTH_SIZE = 4;

/**
 * How a track's frames are really stored. Producers convert frames and CodecPrivate each by itself, or not, so one does not tell the
 * other.
 *
 * @param frame the first frame
 * @param said what CodecPrivate says: width of the lengths, 0 for Annex B
 */
export function actualLengthSize(frame: Uint8Array, said: number): number {
  const lengthSize = said === 0 ? CONVERTED_LENGTH_SIZE : said;
  // A length from 256 to 511 looks like a start code; that lengths add up by chance is what does not happen.
  if (addsUp(frame, lengthSize)) return lengthSize;
  return isAnnexB(frame) ? 0 : lengthSize;
}

function addsUp(frame: Uint8Array, lengthSize: number): boolean {
  let valid = true;
  try {
    eachNal(frame, lengthSize, (start) => {
      // The first bit of every NAL unit is 0.
      valid &&= frame[start]! < 0x80;
    });
    return valid;
  } catch (error) {
    if (error instanceof CodecDataError) return false;
    throw error;
  }
}
