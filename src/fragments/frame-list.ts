import { MkvParseError } from '../mkv/parse-error.js';
import type { Frame } from '../visitors/frame.js';

/** How many bytes of frames are held of a fragment unless said otherwise; the service takes fragments of up to 50 MB. */
const DEFAULT_MAX_SIZE = 256 * 1024 * 1024;
/** What a frame takes besides its bytes: measured on Node's heap, 180 bytes for one in a Block of its own, 100 for one of many laced. */
const FRAME_OVERHEAD = 96;
/** What its Block takes, which the frames of a laced one share. */
const BLOCK_OVERHEAD = 84;

/** The frames of a fragment, held until it is whole: a list that does not fill the memory. */
export class FrameList {
  readonly #maxSize: number;
  #frames: Frame[] = [];
  #size = 0;

  /** @param maxSize how many bytes the frames may take, with some for each of them */
  constructor(maxSize = DEFAULT_MAX_SIZE) {
    this.#maxSize = maxSize;
  }

  /** How many there are. */
  get length(): number {
    return this.#frames.length;
  }

  /** Those that there are. */
  get frames(): readonly Frame[] {
    return this.#frames;
  }

  /** Adds one. */
  add(frame: Frame): void {
    this.#frames.push(frame);
    this.#size += FRAME_OVERHEAD + frame.size;
    if (frame.index === 0) this.#size += BLOCK_OVERHEAD;
  }

  /** Gives them away and is empty. */
  take(): Frame[] {
    const frames = this.#frames;
    this.#frames = [];
    this.#size = 0;
    return frames;
  }

  /**
   * Expects that there is room.
   *
   * @param offset of the element that brought the last frame
   * @throws MkvParseError `ElementTooLarge`
   */
  expectRoom(offset: number): void {
    if (this.#size <= this.#maxSize) return;
    const text = `frames of more than ${this.#maxSize} bytes in a fragment (maxFragmentSize)`;
    throw new MkvParseError('ElementTooLarge', offset, text);
  }
}
