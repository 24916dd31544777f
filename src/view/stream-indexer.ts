import type { CheckedFragment } from '../check/checked-fragment.js';
import { type Finding, SEVERITIES } from '../check/finding.js';
import { isCrcMismatch, StreamCheck } from '../check/stream-check.js';
import type { EbmlParser } from '../ebml/parser.js';
import { MkvDataElement, MkvEndMasterElement, MkvStartMasterElement } from '../mkv/element.js';
import { Mkv } from '../mkv/elements.js';
import { openMkvParser } from '../mkv/mkv-parser.js';
import type { MkvGap } from '../mkv/reader.js';
import type { Frame } from '../visitors/frame.js';
import { ElementIndex } from './element-index.js';
import { FragmentList, type OpenFragment } from './fragment-list.js';
import { FrameTable } from './frame-table.js';
import { type CheckSummary, type DamageRecord, type FindingRecord, FrameFlag, type ModelUpdate } from './protocol.js';
import { shortened } from './shortened.js';
import { hasRoom, isTrailer, type TagGroup, TagPlaces } from './tag-places.js';
import { TimeAxis } from './time-axis.js';
import { TrackList } from './track-list.js';

/** A message is not longer than this, in characters; only a name of an error that means harm is. */
const MOST_MESSAGE = 1000;

/** How much is shown of a stream: more would not fit into memory. */
export interface IndexLimits {
  readonly elements: number;
  readonly frames: number;
  readonly fragments: number;
  readonly findings: number;
  readonly damage: number;
}

export const DEFAULT_LIMITS: IndexLimits = {
  elements: 3_000_000,
  frames: 1_500_000,
  fragments: 100_000,
  findings: 10_000,
  damage: 10_000,
};

/**
 * Makes the model of a stream in one pass over its bytes: where its elements, frames and fragments are, and what `checkStream` finds. It keeps
 * no bytes of frames.
 */
export class StreamIndexer {
  readonly elements: ElementIndex;
  readonly frames = new FrameTable();
  readonly fragments: FragmentList;
  readonly tracks = new TrackList();
  readonly #limits: IndexLimits;
  readonly #parser: EbmlParser<MkvStartMasterElement>;
  readonly #check: StreamCheck;
  readonly #axis = new TimeAxis();
  readonly #places = new TagPlaces();
  #open: OpenFragment | undefined;
  /** The Tags since the fragment at hand began. */
  #groups: TagGroup[] = [];
  /** Where in a Segment that which may be of the next fragment begins, if there is any. */
  #border: number | undefined;
  /** The same at the end of Tags that may name the next fragment. */
  #split: number | undefined;
  /** Where the next fragment begins, if that is known. */
  #start: number | undefined;
  #fragmentCount = 0;
  /** The Block whose frames come now, and those that have. */
  #block: MkvDataElement | undefined;
  #blockFrames: Frame[] = [];
  #findings: FindingRecord[] = [];
  #findingCount = 0;
  #damage: DamageRecord[] = [];
  #damageCount = 0;
  #moves: Extract<ModelUpdate, { type: 'moved' }>[] = [];
  #sentFrames = 0;
  #omittedFrames = 0;
  #omittedFragments = 0;
  /** How many bytes have come. */
  bytes = 0;

  constructor(limits: Partial<IndexLimits> = {}) {
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
    this.elements = new ElementIndex(this.#limits.elements);
    this.fragments = new FragmentList();
    this.#check = new StreamCheck((rule, { fragmentNumber, track, offset }, message) => {
      this.#takeFinding({ severity: SEVERITIES[rule], rule, fragmentNumber, track, offset, message });
    });
    this.#check.watch = (fragment, frame) => {
      if (fragment === undefined) return;
      if (frame === undefined) this.#finishFragment(fragment);
      else this.#takeFrame(frame, fragment);
    };
    // Not by a reader: to stop at every element takes longer than all that is done with it.
    this.#parser = openMkvParser<MkvStartMasterElement>(
      {
        masterStart: (type, offset, headerSize, dataSize, parent) => {
          const start = new MkvStartMasterElement(type, offset, headerSize, dataSize, parent);
          this.#takeStart(start);
          return start;
        },
        masterEnd: (start, offset, truncated) => this.#takeEnd(new MkvEndMasterElement(start, offset, truncated)),
        data: (type, offset, headerSize, dataSize, run, start, parent) =>
          this.#takeData(new MkvDataElement(type, offset, headerSize, dataSize, run, start, parent)),
      },
      {
        recover: true,
        verifyCrc: true,
        onGap: (gap) => this.#takeGap(gap),
        onWarning: (warning) => this.#check.noteWarning(warning),
      },
    );
  }

  /** Whether there is anything of Matroska by now. */
  get hasElements(): boolean {
    return this.elements.end > 0;
  }

  /** What the time axis is, see `ReadState`. */
  get clock(): 'producer' | 'presentation' {
    return this.#axis.clock;
  }

  /** What is not shown because there is too much of it, in sentences. */
  get limits(): string[] {
    const { elements, frames, fragments, findings, damage } = this.#limits;
    const texts: string[] = [];
    const tell = (omitted: number, text: string) => {
      if (omitted > 0) texts.push(text);
    };
    tell(
      this.elements.omitted,
      `The tree has the first ${elements} elements; ${this.elements.omitted} more are not shown.`,
    );
    tell(this.#omittedFrames, `The first ${frames} frames are shown; ${this.#omittedFrames} more are not.`);
    tell(this.#omittedFragments, `The first ${fragments} fragments are shown; ${this.#omittedFragments} more are not.`);
    tell(
      this.#findingCount - findings,
      `The first ${findings} findings are shown; ${this.#findingCount - findings} more are not.`,
    );
    tell(
      this.#damageCount - damage,
      `The first ${damage} damaged places are shown; ${this.#damageCount - damage} more are not.`,
    );
    if (this.tracks.isFull) texts.push('There are more descriptions of tracks than are shown.');
    return texts;
  }

  /** Takes the next bytes. */
  push(chunk: Uint8Array): void {
    this.bytes += chunk.length;
    this.#parser.push(chunk);
  }

  /** No more bytes come. */
  end(): void {
    this.#parser.end();
    this.#check.end();
  }

  /** What is to be told since this was asked for before. */
  takeUpdates(): ModelUpdate[] {
    this.#putOpen();
    const updates: ModelUpdate[] = [];
    const tracks = this.tracks.takeChanged();
    if (tracks.length > 0) updates.push({ type: 'tracks', tracks });
    const fragments = this.fragments.takeChanged();
    if (fragments.length > 0) updates.push({ type: 'fragments', fragments });
    // What has not been sent goes out where it has been moved to.
    for (const move of this.#moves) {
      const end = Math.min(move.end, this.#sentFrames);
      if (move.first < end) updates.push({ ...move, end });
    }
    this.#moves = [];
    if (this.#sentFrames < this.frames.end) {
      updates.push({ type: 'frames', frames: this.frames.batch(this.#sentFrames) });
      this.#sentFrames = this.frames.end;
    }
    if (this.#findings.length > 0) updates.push({ type: 'findings', findings: this.#findings });
    if (this.#damage.length > 0) updates.push({ type: 'damage', damage: this.#damage });
    this.#findings = [];
    this.#damage = [];
    return updates;
  }

  /** What the check says at the end. */
  get summary(): CheckSummary {
    const { playable, obstacles } = this.#check.playability;
    return { playable, obstacles, omitted: Math.max(0, this.#findingCount - this.#limits.findings) };
  }

  /** Lets go of the fragments before one, with their frames and elements. */
  dropBefore(fragment: number): { readonly firstFrame: number; readonly offset: number } {
    const kept = this.fragments.get(fragment);
    const firstFrame = kept?.firstFrame ?? this.frames.end;
    const offset = kept?.offset ?? this.bytes;
    this.fragments.dropBefore(fragment);
    this.frames.dropBefore(firstFrame);
    this.elements.dropBefore(offset);
    return { firstFrame, offset };
  }

  #takeStart(element: MkvStartMasterElement): void {
    const { type, parent, offset } = element;
    this.elements.start(element);
    this.#places.start(element);
    this.#check.visitStart(element);
    if (type === Mkv.Segment) {
      this.#groups = [];
      this.#border = undefined;
    } else if (parent?.type === Mkv.Segment) {
      this.#border ??= offset;
    }
  }

  #takeData(element: MkvDataElement): void {
    const number = this.elements.data(element);
    this.#places.data(element, number);
    const isBlock = element.type === Mkv.SimpleBlock || element.type === Mkv.Block;
    if (isBlock) this.#block = element;
    this.#check.visitData(element);
    if (isBlock) this.#putFrames();
  }

  #takeEnd(element: MkvEndMasterElement): void {
    const { type } = element;
    this.elements.stop(element);
    const group = this.#places.stop(element);
    if (group !== undefined) {
      if (hasRoom(this.#groups)) this.#groups.push(group);
      this.#split = this.#border;
    }
    this.#check.visitEnd(element);
    this.#split = undefined;
    if (type === Mkv.BlockGroup) this.#putFrames();
    // What comes behind these may be of the next fragment.
    if (type === Mkv.Cluster || (group !== undefined && isTrailer(group))) this.#border = undefined;
  }

  #takeGap(gap: MkvGap): void {
    const { offset, length, reason } = gap;
    this.#check.noteGap(gap);
    if (isCrcMismatch(gap)) return;
    this.elements.damage(offset, length);
    if (this.#open !== undefined) this.#open.damagedBytes += length;
    if (this.#damageCount++ < this.#limits.damage) this.#damage.push({ offset, length, reason });
  }

  #takeFinding(finding: Finding): void {
    if (this.#findingCount++ >= this.#limits.findings) return;
    const { fragmentNumber, message } = finding;
    const text = message.slice(0, MOST_MESSAGE);
    this.#findings.push({ ...finding, fragmentNumber: shortened(fragmentNumber), message: text });
  }

  #takeFrame(frame: Frame, fragment: CheckedFragment): void {
    this.#begin(fragment, frame.timestamp);
    this.#blockFrames.push(frame);
  }

  /** The frames of a Block have come: they lie behind each other up to its end. */
  #putFrames(): void {
    const block = this.#block;
    const frames = this.#blockFrames;
    const open = this.#open;
    if (block === undefined || open === undefined || frames.length === 0) return;
    this.#blockFrames = [];
    const sizes = frames.map((frame) => frame.size - frame.track.contentEncoding.strippedHeader.length);
    let data = block.offset + block.headerSize + block.dataSize - sizes.reduce((sum, size) => sum + size, 0);
    for (const [index, frame] of frames.entries()) {
      const size = sizes[index] ?? 0;
      this.#putFrame(frame, open, block, data, size, frames.length > 1);
      data += size;
    }
  }

  #putFrame(
    frame: Frame,
    open: OpenFragment,
    { offset }: MkvDataElement,
    data: number,
    size: number,
    isLaced: boolean,
  ): void {
    const { track, timestamp, duration, keyframe } = frame;
    open.frameBytes += size;
    if (this.frames.count >= this.#limits.frames) {
      this.#omittedFrames++;
      return;
    }
    open.frames++;
    if (keyframe && track.type === 'video') open.keyframes++;
    this.frames.push({
      track: this.tracks.idOf(track, open.index),
      fragment: open.index,
      time: (timestamp + open.shift) / 1000,
      timestamp,
      duration,
      size,
      flags:
        (keyframe ? FrameFlag.key : 0) |
        (frame.keyframeFlag ? FrameFlag.keyFlag : 0) |
        (frame.invisible ? FrameFlag.invisible : 0) |
        (frame.discardable ? FrameFlag.discardable : 0) |
        (isLaced ? FrameFlag.laced : 0),
      block: offset,
      data,
    });
  }

  /** A fragment has something to show. */
  #begin(fragment: CheckedFragment, first: number | undefined): OpenFragment {
    if (this.#open?.fragment === fragment) return this.#open;
    const index = this.#fragmentCount++;
    const shift = this.#axis.shiftOf(fragment, first);
    const firstFrame = this.frames.end;
    const counts = { frames: 0, keyframes: 0, frameBytes: 0, damagedBytes: 0 };
    const offset = this.#start ?? fragment.offset;
    this.#start = undefined;
    this.#open = { index, fragment, offset, firstFrame, shift, ...counts, groups: [] };
    if (fragment.metadata?.producerTimestamp !== undefined && first !== undefined) {
      this.#takeProducerClock(this.#open, first + shift);
    }
    return this.#open;
  }

  /** The first producer timestamp says where all before it was. */
  #takeProducerClock(open: OpenFragment, start: number): void {
    const by = this.#axis.takeProducerClock(start);
    if (by === undefined || by === 0) return;
    this.fragments.moveBefore(open.index, by / 1000);
    this.#move(0, open.firstFrame, by / 1000);
  }

  #move(first: number, end: number, millis: number): void {
    this.frames.shift(first, end, millis);
    this.#moves.push({ type: 'moved', first, end, millis });
  }

  #finishFragment(fragment: CheckedFragment): void {
    const open = this.#begin(fragment, fragment.start);
    const shift = this.#axis.shiftOf(fragment, fragment.start);
    if (shift !== open.shift && fragment.metadata?.producerTimestamp !== undefined) {
      // Its producer timestamp has come behind its frames.
      this.#move(open.firstFrame, open.firstFrame + open.frames, (shift - open.shift) / 1000);
      open.shift = shift;
      if (fragment.start !== undefined) this.#takeProducerClock(open, fragment.start + shift);
    }
    for (const { metadata } of fragment.tracks.values()) {
      this.tracks.idOf(metadata, open.index);
      this.tracks.refresh(metadata);
    }
    const split = this.#split;
    const end = split ?? Number.POSITIVE_INFINITY;
    const own = this.#groups.filter((group) => group.offset < end);
    const later = this.#groups.filter((group) => group.offset >= end);
    this.#put(open, own, (split ?? fragment.offset + fragment.size) - open.offset, false);
    // The tags of another document are of all of it.
    if (fragment.isKinesisVideo) this.#groups = later;
    this.#start = split;
    this.#axis.finish(fragment, open.shift);
    this.#open = undefined;
  }

  #putOpen(): void {
    const open = this.#open;
    if (open !== undefined) this.#put(open, this.#groups, this.bytes - open.offset, true);
  }

  #put(open: OpenFragment, groups: readonly TagGroup[], size: number, isOpen: boolean): void {
    const { index, fragment, offset, shift } = open;
    const isBeyond = index - this.fragments.first >= this.#limits.fragments;
    if (isBeyond) {
      if (!isOpen) this.#omittedFragments++;
      return;
    }
    open.groups = groups;
    this.fragments.put(open, this.#axis.place(fragment, shift), this.elements.lastAt(offset), size, isOpen);
  }
}
