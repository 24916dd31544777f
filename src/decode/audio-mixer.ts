import { least, most } from '../mkv/extremes.js';
import type { AudioPiece } from './audio-track.js';

/** In seconds: a track is not waited for while others are this far ahead. */
const MOST_AHEAD = 10;
/** The most samples of a channel that are given at once. */
const MOST_AT_ONCE = 16_384;

/** Sound of all tracks together. */
export interface MixedAudio {
  /** Where it begins, in samples of the output. */
  readonly position: number;
  /** The channels in turn, those of the first track first. */
  readonly samples: Float32Array;
  readonly length: number;
  /** A piece that it begins in, or that was before it. */
  readonly piece: AudioPiece;
  /** Whether no track has sound there. */
  readonly isSilence: boolean;
}

/** Lays the sound of several tracks side by side, as channels of one. */
export class AudioMixer {
  readonly #ahead: number;
  readonly #fill: boolean;
  readonly #lanes: AudioPiece[][];
  readonly #channels: number[];
  readonly #ends: (number | undefined)[];
  #position: number | undefined;
  #last: AudioPiece | undefined;

  /**
   * @param tracks how many there are
   * @param rate samples of a channel per second
   * @param fill whether silence is given where no track has sound
   */
  constructor(tracks: number, rate: number, fill: boolean) {
    this.#ahead = rate * MOST_AHEAD;
    this.#fill = fill;
    this.#lanes = Array.from({ length: tracks }, () => []);
    this.#channels = Array.from({ length: tracks }, () => 1);
    this.#ends = Array.from({ length: tracks }, () => undefined);
  }

  /** Takes the next piece of a track. */
  put(track: number, piece: AudioPiece): void {
    this.#lanes[track]?.push(piece);
    this.#channels[track] = piece.numberOfChannels;
    this.#ends[track] = piece.position + piece.length;
  }

  /** Channels of all tracks. */
  get numberOfChannels(): number {
    return this.#channels.reduce((sum, count) => sum + count, 0);
  }

  /** Gives what there is; with `all`, what there is of any track. */
  *take(all: boolean): Generator<MixedAudio, void> {
    const known = this.#ends.filter((end) => end !== undefined);
    if (known.length === 0) return;
    const earliest = known.length < this.#ends.length ? Number.NEGATIVE_INFINITY : least(known);
    const limit = all ? most(known) : Math.max(earliest, most(known) - this.#ahead);
    const starts = this.#lanes.flatMap(([first]) => (first === undefined ? [] : [first.position]));
    let position = this.#position ?? least(starts);
    while (position < limit) {
      const mixed = this.#mix(position, limit);
      position += mixed.length;
      this.#position = position;
      if (mixed.piece !== undefined && (this.#fill || !mixed.isSilence)) yield { ...mixed, piece: mixed.piece };
    }
  }

  #mix(position: number, limit: number) {
    let end = limit;
    let piece: AudioPiece | undefined;
    for (const lane of this.#lanes) {
      while (lane[0] !== undefined && lane[0].position + lane[0].length <= position) lane.shift();
      const [head] = lane;
      if (head === undefined) continue;
      if (head.position > position) end = Math.min(end, head.position);
      else {
        end = Math.min(end, head.position + head.length);
        piece ??= head;
      }
    }
    const isSilence = piece === undefined;
    this.#last = piece ?? this.#last;
    const most = isSilence && !this.#fill ? end - position : MOST_AT_ONCE;
    const length = Math.min(end - position, most);
    const samples = isSilence && !this.#fill ? NOTHING : this.#lay(position, length);
    return { position, samples, length, piece: this.#last, isSilence };
  }

  #lay(position: number, length: number): Float32Array {
    const width = this.numberOfChannels;
    const samples = new Float32Array(length * width);
    let channel = 0;
    this.#lanes.forEach(([head], index) => {
      const count = this.#channels[index]!;
      if (head !== undefined && head.position <= position) {
        const from = (position - head.position) * head.numberOfChannels;
        const part = head.samples.subarray(from, from + length * count);
        if (count === width) samples.set(part);
        else {
          for (let i = 0; i < length; i++) {
            for (let c = 0; c < count; c++) samples[i * width + channel + c] = part[i * count + c]!;
          }
        }
      }
      channel += count;
    });
    return samples;
  }
}

const NOTHING = new Float32Array(0);
