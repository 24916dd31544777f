import { shortText } from '../ebml/text.js';
import type { MkvDataElement, MkvEndMasterElement, MkvStartMasterElement } from '../mkv/element.js';
import { Mkv } from '../mkv/elements.js';
import type { MkvGap, MkvWarning } from '../mkv/reader.js';
import type { FragmentMetadata, StreamError } from '../visitors/fragment-metadata.js';
import type { Frame } from '../visitors/frame.js';
import { FrameVisitor } from '../visitors/frame-visitor.js';
import type { MkvTag } from '../visitors/tag.js';
import { MkvElementVisitor } from '../visitors/visitor.js';
import { CheckedFragment } from './checked-fragment.js';
import { type FindingPlace, quote, type Report } from './finding.js';
import { Playability } from './playability.js';
import { checkLimits } from './service-rules.js';
import { Timeline } from './timeline.js';
import { checkTracks, TrackRoll } from './track-rules.js';

/** Whether bytes do not fit their CRC-32: they are given all the same. Others that are reported as a gap are passed over. */
export function isCrcMismatch({ reason }: MkvGap): boolean {
  return / has the CRC-32 /.test(reason);
}

/** Looks at the elements of a stream, fragment by fragment, and reports what is wrong with it. It keeps no frames. */
export class StreamCheck extends MkvElementVisitor {
  readonly #report: Report;
  readonly #frames: FrameVisitor;
  readonly #timeline = new Timeline();
  readonly #roll = new TrackRoll();
  readonly #playability = new Playability();
  #fragment: CheckedFragment | undefined;
  /** The fragment before, until it is known whether it is the last one. */
  #pending: CheckedFragment | undefined;
  /** Where the document at hand begins. */
  #documentOffset = 0;
  /** Of the element at hand. */
  #offset = 0;
  /** Is shown each frame, with its fragment as it is known by then, and each fragment when it has ended. */
  watch: ((fragment: CheckedFragment | undefined, frame?: Frame) => void) | undefined;
  /** How many fragments, and frames, there were. */
  fragments = 0;
  frames = 0;

  constructor(report: Report) {
    super();
    this.#report = report;
    this.#frames = new FrameVisitor(
      { process: (frame) => this.#takeFrame(frame) },
      {
        tagProcessor: { process: (tag) => this.#takeTag(tag), clear() {} },
        onInvalidElement: (error, element) => report('InvalidBlock', this.#at(element.offset), error.message),
      },
    );
  }

  /** Bytes were passed over, or did not fit their CRC-32. */
  noteGap(gap: MkvGap): void {
    const { offset, length, reason } = gap;
    if (isCrcMismatch(gap)) {
      this.#report('CrcMismatch', this.#at(offset), reason);
      return;
    }
    this.#frames.metadata.noteGap();
    if (this.#fragment !== undefined) this.#fragment.truncated = true;
    this.#report(
      'Damage',
      this.#at(offset),
      `${length === 1 ? '1 byte is' : `${length} bytes are`} skipped: ${reason}`,
    );
  }

  /** Something is tolerated. */
  noteWarning({ offset, message }: MkvWarning): void {
    this.#report('Matroska', this.#at(offset), message);
  }

  override visitStart(element: MkvStartMasterElement): void {
    const { type, offset } = element;
    this.#offset = offset;
    if (type === Mkv.EBML) {
      this.#finish(offset);
      this.#documentOffset = offset;
    } else if (type === Mkv.Segment) {
      this.#finish(offset);
      this.#fragment = new CheckedFragment(this.#documentOffset, undefined);
    }
    this.#frames.visitStart(element);
    if (type !== Mkv.Cluster) return;
    const fragment = this.#follow();
    // A Cluster of a document that is not of Kinesis Video Streams is what PutMedia makes a fragment of.
    if (fragment.clusterSeen && !fragment.isKinesisVideo) {
      this.#finish(offset);
      this.#fragment = new CheckedFragment(offset, undefined);
    }
    this.#beginCluster(this.#follow());
  }

  #beginCluster(fragment: CheckedFragment): void {
    const { metadata, clusterSeen, place } = fragment;
    fragment.clusterSeen = true;
    if (clusterSeen || metadata === undefined) return;
    const isMissing = metadata.fragmentNumber === undefined;
    if (isMissing)
      this.#report('TagsOrder', place, 'the tag with the fragment number does not stand before the Cluster');
    if (metadata.continuationToken !== undefined) {
      this.#report('TagsOrder', place, 'the tag with the continuation token does not stand behind the Cluster');
    }
  }

  override visitData(element: MkvDataElement): void {
    this.#offset = element.offset;
    this.#frames.visitData(element);
  }

  override visitEnd(element: MkvEndMasterElement): void {
    const { type, start, offset, truncated } = element;
    // The frame of a BlockGroup is given at its end.
    if (type === Mkv.BlockGroup) this.#offset = start.offset;
    this.#frames.visitEnd(element);
    // Outside of a Segment there is no fragment, but for a Cluster that has lost its Segment.
    if (this.#fragment === undefined) return;
    const fragment = this.#follow();
    if (truncated && (type === Mkv.Cluster || type === Mkv.Segment)) fragment.truncated = true;
    if (type === Mkv.Segment) this.#finish(offset);
  }

  /** No more elements come. */
  end(): void {
    this.#finish(this.#offset);
    this.#settle(true);
    this.#roll.finish(this.#report);
  }

  /** Which of the service's ways to play the stream would take it. */
  get playability(): Playability {
    return this.#playability;
  }

  #at(offset: number, track?: number): FindingPlace {
    return { fragmentNumber: this.#fragment?.metadata?.fragmentNumber, track, offset };
  }

  /** The fragment that the stream is in by now. */
  #follow(): CheckedFragment {
    const current: FragmentMetadata | undefined = this.#frames.metadata.currentFragmentMetadata;
    const fragment = this.#fragment;
    if (fragment !== undefined && fragment.metadata === undefined && current !== undefined && !fragment.clusterSeen) {
      fragment.metadata = current;
    }
    if (fragment !== undefined && fragment.metadata === current) return fragment;
    this.#finish(this.#offset);
    this.#fragment = new CheckedFragment(this.#offset, current);
    return this.#fragment;
  }

  #takeTag(tag: MkvTag): void {
    const fragment = this.#fragment;
    if (fragment?.clusterSeen === true) fragment.tagsBehind.add(tag);
  }

  #takeFrame(frame: Frame): void {
    this.frames++;
    const place = this.#at(this.#offset, frame.track.number);
    this.#fragment?.track(frame.track).add(frame, place, this.#report);
    this.watch?.(this.#fragment, frame);
  }

  #finish(offset: number): void {
    const fragment = this.#fragment;
    if (fragment === undefined) return;
    this.#fragment = undefined;
    const { metadata } = this.#frames;
    fragment.size = offset - fragment.offset;
    fragment.tags = fragment.metadata?.tags ?? metadata.tags;
    for (const track of metadata.tracks.values()) fragment.track(track);
    for (const track of fragment.tracks.values()) track.finish(this.#report);
    this.fragments++;
    this.#settle(false);
    this.#pending = fragment;
    this.#checkWhole(fragment);
    this.#checkBeginning(fragment);
    checkTracks(fragment, this.#report);
    this.#roll.add(fragment, this.#report);
    this.#timeline.add(fragment, this.#report);
    this.#playability.add(fragment);
    this.watch?.(fragment);
  }

  /** A fragment begins with a key frame; a Cluster of a document that is of no fragment need not, but for the first. */
  #checkBeginning(fragment: CheckedFragment): void {
    if (!fragment.isKinesisVideo && this.fragments > 1) return;
    for (const { cutBeginning } of fragment.tracks.values()) {
      if (cutBeginning === undefined) continue;
      this.#report('KeyframeFirst', cutBeginning, 'the first frame of the fragment is no key frame');
    }
  }

  #settle(isLast: boolean): void {
    if (this.#pending !== undefined) checkLimits(this.#pending, isLast, this.#report);
    this.#pending = undefined;
  }

  #checkWhole(fragment: CheckedFragment): void {
    const { place, metadata, tags, tagsBehind, truncated } = fragment;
    const report = this.#report;
    if (metadata?.error !== undefined) report('ServiceError', place, describeError(metadata.error));
    if (truncated) report('Truncated', place, 'the fragment is not whole');
    const behind = tags.filter((tag) => tagsBehind.has(tag)).map(({ name }) => quote(name));
    if (metadata !== undefined && behind.length > 0) {
      report('TagsOrder', place, `tags of the producer stand behind the Cluster: ${behind.slice(0, 3).join(', ')}`);
    }
  }
}

function describeError({ operation, code, id, message }: StreamError): string {
  const parts = [code, id, message].filter((part) => part !== undefined && part !== '');
  return `${operation} reports an error: ${parts.map((part) => shortText(String(part))).join(', ')}`;
}
