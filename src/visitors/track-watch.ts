import { decodeUint } from '../ebml/values.js';
import type { Block } from '../mkv/block.js';
import type { FrameLook, TrackDisagreement } from '../mkv/codec/media-format.js';
import { isAnnexB } from '../mkv/codec/nal.js';
import type { NalLook } from '../mkv/codec/nal-format.js';
import type { TrackMetadata } from '../mkv/track.js';

/** How many frames of sound are looked at in every Segment; of video the first one, and key frames. */
const SOUND_LOOKED_AT = 2;
/** Enough of a frame for parameter sets and what stands before them. */
const HEAD_LENGTH = 2048;
/** Of a slice: enough to tell what it is of, and whether it begins a picture. */
const SLICE_HEAD = 3;

/** How a frame begins whose NAL units have lengths. */
interface Beginning {
  /** Up to the first bytes of its first slice. */
  readonly bytes: Uint8Array;
  /** Where that slice begins, behind its length. */
  readonly sliceStart: number;
  readonly lengthSize: number;
  readonly flagged: boolean;
}

/** Looks at the first frames of a track in a Segment, and at key frames of video, for what they show of the track. */
export class TrackWatch {
  /** TrackNumber. */
  readonly number: number;
  /** The track as it is known now. */
  track: TrackMetadata;
  /** How many of the next frames are to be looked at. */
  left = 0;
  /** Which description of the tracks it is of. */
  description = -1;
  /** Whether all key frames are to be looked at, because parameter sets may change with them. */
  everyKey = false;
  /** Whether a frame of a Block may be several of the codec's. */
  mayHoldSeveral = false;
  /** Time and size of the frame before. */
  #before: { readonly timestamp: number; readonly size: number } | undefined;
  #beginning: Beginning | undefined;
  #mimeType: string | undefined;

  constructor(track: TrackMetadata, number: number) {
    this.track = track;
    this.number = number;
  }

  /** A Segment begins that describes the track so. */
  begin(description: number): void {
    const isVideo = this.track.type === 'video';
    const { isTelling } = this.track;
    this.description = description;
    this.left = isTelling ? (isVideo ? 1 : SOUND_LOOKED_AT) : 0;
    this.everyKey = isVideo && isTelling;
    this.mayHoldSeveral = this.track.hasAdts;
    this.#before = undefined;
  }

  /**
   * Looks at a Block's first frame.
   *
   * @param mimeType what the producer's tag of that name says; `undefined` where there is none so far
   * @returns the track, where it is another than before
   */
  look(block: Block, timestamp: number, isFlagged: boolean, mimeType: string | undefined): TrackMetadata | undefined {
    this.left--;
    this.#mimeType = mimeType ?? this.#mimeType;
    if (this.#beginning !== undefined && beginsAs(this.#beginning, block, isFlagged)) return undefined;
    const { track } = this;
    const { strippedHeader } = track.contentEncoding;
    const stored = block.frameSize(0);
    const size = strippedHeader.length + stored;
    const join = (bytes: Uint8Array) => (strippedHeader.length === 0 ? bytes : joined(strippedHeader, bytes));
    const look: FrameLook = {
      head: join(block.frameHead(0, HEAD_LENGTH)),
      size,
      whole: () => join(block.frame(0)),
      flagged: isFlagged,
      bytesPerSecond: this.#rate(timestamp, size * block.frameCount),
      mimeType: this.#mimeType,
    };
    const seen = track.observe(look);
    const { nals } = look;
    if (nals !== undefined) {
      const { picture, key, beginsPicture } = nals;
      if (!picture) seen.note('AccessUnits', 'there are frames without a picture');
      if (picture && !beginsPicture) seen.note('AccessUnits', 'there are frames that begin within a picture');
      if (picture && key !== isFlagged) {
        const text = isFlagged
          ? 'frames are flagged as key frames that are none'
          : 'key frames are not flagged as such';
        seen.note('KeyframeFlags', text);
      }
    }
    this.#beginning =
      nals !== undefined && strippedHeader.length === 0 ? beginningOf(look.head, nals, isFlagged) : undefined;
    return this.#take(seen);
  }

  /** Whether the frames are samples of which a tag can tell more. */
  get awaitsTag(): boolean {
    const { track } = this;
    return track.isPcm && track.format.pcm?.basis !== 'tag';
  }

  /**
   * Takes what a tag behind the frames says that they are.
   *
   * @returns the track, where it is another than before
   */
  takeTag(mimeType: string): TrackMetadata | undefined {
    this.#mimeType = mimeType;
    return this.#take(this.track.observe({ head: ONE_SAMPLE, size: 2, whole: () => ONE_SAMPLE, mimeType }));
  }

  /** What is wrong of the track's label and has not been told yet. */
  news(): readonly TrackDisagreement[] {
    return this.track.takeUntold();
  }

  #take(seen: TrackMetadata): TrackMetadata | undefined {
    if (seen === this.track) return undefined;
    this.track = seen;
    this.mayHoldSeveral = seen.hasAdts;
    return seen;
  }

  /** How many bytes come in a second, by the times of this Block and of the one before. */
  #rate(timestamp: number, size: number): number | undefined {
    const before = this.#before;
    this.#before = { timestamp, size };
    const interval = before === undefined ? 0 : timestamp - before.timestamp;
    return before !== undefined && interval > 0 ? (before.size * 1e6) / interval : undefined;
  }
}

/** What has to come again for a frame to show the same; `undefined` where more would have to be looked at. */
function beginningOf(head: Uint8Array, { lengthSize, sliceStart }: NalLook, flagged: boolean): Beginning | undefined {
  const length = sliceStart + SLICE_HEAD;
  if (lengthSize === 0 || sliceStart === 0 || isAnnexB(head) || length > head.length) return undefined;
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = head[i]!;
  return { bytes, sliceStart, lengthSize, flagged };
}

/** Whether a Block's first frame begins so: it shows what the one before has shown. */
function beginsAs({ bytes, sliceStart, lengthSize, flagged }: Beginning, block: Block, isFlagged: boolean): boolean {
  const size = block.frameSize(0);
  // Whether the lengths of a small one add up has to be seen.
  if (flagged !== isFlagged || size <= HEAD_LENGTH) return false;
  const head = block.frameHead(0, bytes.length);
  const lengthStart = sliceStart - lengthSize;
  for (let i = 0; i < bytes.length; i++) {
    if ((i < lengthStart || i >= sliceStart) && head[i] !== bytes[i]) return false;
  }
  return sliceStart + decodeUint(head, lengthStart, sliceStart) <= size;
}

const ONE_SAMPLE = new Uint8Array(2);

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const whole = new Uint8Array(a.length + b.length);
  whole.set(a);
  whole.set(b, a.length);
  return whole;
}
