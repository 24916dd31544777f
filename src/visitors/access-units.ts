import { CodecDataError } from '../mkv/codec/codec-error.js';
import { isAnnexB, joinNals, splitNals } from '../mkv/codec/nal.js';
import { type AccessUnitLook, knownLengthSize, lengthSizeOfHead, lookAtAccessUnit } from '../mkv/codec/nal-format.js';
import { frameBlock } from './adts-frames.js';
import { Frame } from './frame.js';

/** Enough for what stands before the first slice, mostly; else all of a frame is looked at. */
const HEAD_LENGTH = 256;

/** An access unit that may go on. */
interface OpenUnit {
  readonly parts: Frame[];
  hasPicture: boolean;
}

/**
 * Joins frames of H.264 and H.265 that are parts of one access unit: some producers put every NAL unit, or the parameter sets, in a Block
 * of its own with the same time. Frames go through it in stream order. One that may go on is held until the next of its track; those of
 * other codecs are not held.
 */
export class AccessUnitJoiner {
  readonly #open = new Map<number, OpenUnit>();

  /** Takes a frame and gives those that are whole now, in order. */
  push(frame: Frame): readonly Frame[] {
    const { begun, whole } = gather(this.#open, frame);
    const isHeld = this.#open.has(frame.track.number);
    return [...(whole === undefined ? [] : join(whole.parts)), ...(begun === undefined || isHeld ? [] : [frame])];
  }

  /** No more frames come that belong to those before: gives what is left. */
  flush(): readonly Frame[] {
    const frames = Array.from(this.#open.values(), ({ parts }) => join(parts)).flat();
    this.#open.clear();
    return frames;
  }
}

/**
 * Joins frames of H.264 and H.265 that are parts of one access unit. Joined frames stand where the first of their parts stood. A
 * frame without a picture that nothing belongs to stays as it is.
 */
export function joinAccessUnits(frames: readonly Frame[]): Frame[] {
  const units: OpenUnit[] = [];
  const open = new Map<number, OpenUnit>();
  for (const frame of frames) {
    const { begun } = gather(open, frame);
    if (begun !== undefined) units.push(begun);
  }
  return units.flatMap(({ parts }) => join(parts));
}

/** Adds a frame to the access unit of its track that is open, or begins one with it and tells which is whole now. */
function gather(
  open: Map<number, OpenUnit>,
  frame: Frame,
): { readonly begun?: OpenUnit | undefined; readonly whole?: OpenUnit | undefined } {
  const { number } = frame.track;
  const look = lookAt(frame);
  const whole = open.get(number);
  if (look !== undefined && whole !== undefined && goesOn(whole, frame, look)) {
    whole.parts.push(frame);
    whole.hasPicture ||= look.picture;
    return {};
  }
  const begun = { parts: [frame], hasPicture: look?.picture === true };
  if (look === undefined) open.delete(number);
  else open.set(number, begun);
  return { begun, whole };
}

/** Whether a frame goes on with the access unit before it. */
function goesOn({ parts, hasPicture }: OpenUnit, frame: Frame, look: AccessUnitLook): boolean {
  const [first] = parts;
  if (first?.timestamp !== frame.timestamp || first.fragment !== frame.fragment || parts.length >= MOST_PARTS) {
    return false;
  }
  return !hasPicture || !look.picture || !look.beginsPicture;
}

/** No picture has more slices (H.265 table A.8). */
const MOST_PARTS = 600;

/** What a frame's NAL units come to; `undefined` where it has none. */
function lookAt(frame: Frame): AccessUnitLook | undefined {
  const { nal } = frame.track.format;
  const { size } = frame;
  if (nal === undefined || frame.storage !== 'plain' || size === 0) return undefined;
  const head = frame.head(HEAD_LENGTH);
  const lengthSize =
    nal.lengthSize === 0 && isAnnexB(head) ? 0 : lengthSizeOfHead(head, size, nal.lengthSize, () => frame.data);
  if (lengthSize === undefined) return undefined;
  return lookAtAccessUnit(nal.codec, head, size, lengthSize, () => frame.data);
}

/** The parts as one frame; as they are where they cannot be joined. */
function join(parts: readonly Frame[]): readonly Frame[] {
  const [first] = parts;
  const last = parts.at(-1);
  if (first === undefined || last === undefined || first === last) return parts;
  const { track } = last;
  const said = track.format.nal?.lengthSize ?? 0;
  let data: Uint8Array;
  try {
    const units = parts.flatMap((part) => splitNals(part.data, knownLengthSize(part.data, said)));
    data = joinNals(units, said);
  } catch (error) {
    if (error instanceof CodecDataError) return parts;
    throw error;
  }
  const { strippedHeader } = track.contentEncoding;
  const block = frameBlock(data.subarray(strippedHeader.length), {
    invisible: parts.every((part) => part.invisible),
    discardable: parts.every((part) => part.discardable),
  });
  const isFlagged = parts.some((part) => part.keyframeFlag);
  const duration = parts.find((part) => part.duration !== undefined)?.duration;
  const { fragment, timestamp, discardPadding, cluster } = first;
  return [new Frame(track, fragment, timestamp, duration, isFlagged, discardPadding, block, 0, cluster)];
}
