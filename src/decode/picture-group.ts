import type { Frame } from '../visitors/frame.js';

/** A group of pictures: a key frame and the frames up to the next one, in decode order. */
export class PictureGroup {
  /** The first is a key frame. */
  readonly frames: Frame[];
  /** How many bytes of frames it holds. */
  size: number;
  /** Why frames of it are missing; those behind are left out. */
  damage: string | undefined;

  constructor(key: Frame) {
    this.frames = [key];
    this.size = key.size;
  }

  get key(): Frame {
    return this.frames[0]!;
  }

  add(frame: Frame): void {
    this.frames.push(frame);
    this.size += frame.size;
  }

  /** Its pictures as they are shown: those that are shown before its key frame need the group before, and are not among them. */
  get shown(): readonly Frame[] {
    const { timestamp } = this.key;
    return this.frames
      .filter((frame) => !frame.invisible && frame.timestamp >= timestamp)
      .sort((a, b) => a.timestamp - b.timestamp);
  }

  /** Those that are shown before its key frame and need the group before (an open group of pictures). */
  get leading(): readonly Frame[] {
    const { timestamp } = this.key;
    return this.frames
      .filter((frame) => !frame.invisible && frame.timestamp < timestamp)
      .sort((a, b) => a.timestamp - b.timestamp);
  }
}
