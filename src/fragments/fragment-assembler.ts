import type { DataRun } from '../ebml/byte-run.js';
import type { EbmlElementType } from '../ebml/element-type.js';
import type { MkvDataElement, MkvEndMasterElement, MkvStartMasterElement } from '../mkv/element.js';
import { Mkv } from '../mkv/elements.js';
import type { FragmentMetadata } from '../visitors/fragment-metadata.js';
import type { Frame } from '../visitors/frame.js';
import { FrameVisitor, type FrameVisitorOptions } from '../visitors/frame-visitor.js';
import { MkvElementVisitor } from '../visitors/visitor.js';
import { Fragment } from './fragment.js';
import { FrameList } from './frame-list.js';

/** What has come since a fragment began, but for its frames. */
interface Draft {
  metadata: FragmentMetadata | undefined;
  clusterEnded: boolean;
  truncated: boolean;
}

/** Gathers elements into whole {@link Fragment}s. */
export class FragmentAssembler extends MkvElementVisitor {
  readonly #emit: (fragment: Fragment) => void;
  readonly #visitor: FrameVisitor;
  readonly #frames: FrameList;
  #draft: Draft | undefined;
  #inSegment = false;
  /** Bytes are missing since the fragment given last, and no Segment has begun since. */
  #gapped = false;
  /** What the fragment given last was. */
  #finished: FragmentMetadata | undefined;
  /** Fragments of this stream have Tags of the service behind their frames; `undefined` before one has shown it. */
  #trailersExpected: boolean | undefined;

  /**
   * @param wanted tells which frames to keep
   * @param emit is given each fragment when it is complete
   * @param trailersExpected whether fragments have Tags of the service behind their frames; `undefined`: from the first one on that has them
   * @param maxSize how many bytes of frames to hold
   */
  constructor(
    wanted: (frame: Frame) => boolean,
    emit: (fragment: Fragment) => void,
    options: FrameVisitorOptions,
    trailersExpected: boolean | undefined,
    maxSize?: number,
  ) {
    super();
    this.#frames = new FrameList(maxSize);
    this.#emit = emit;
    this.#trailersExpected = trailersExpected;
    this.#visitor = new FrameVisitor(
      {
        process: (frame) => {
          if (!wanted(frame)) return;
          this.#open();
          this.#frames.add(frame);
        },
      },
      options,
    );
  }

  /** What is known of the fragment that the stream is in. */
  get currentFragmentMetadata(): FragmentMetadata | undefined {
    return this.#visitor.metadata.currentFragmentMetadata;
  }

  /** Says that bytes of the stream are missing here: the fragment at hand is not whole. */
  noteGap(): void {
    if (this.#draft !== undefined) this.#draft.truncated = true;
    else this.#gapped = true;
    this.#visitor.metadata.noteGap();
  }

  /** Takes a whole Tags or Tracks by its bytes; `false` when it has to be shown element by element. */
  takeMaster(type: EbmlElementType, bytes: Uint8Array, start: number, end: number): boolean {
    const taken = this.#visitor.takeMaster(type, bytes, start, end);
    if (taken && type === Mkv.Tags) this.#endTags();
    return taken;
  }

  /** Takes the data of a SimpleBlock, an element that begins at `offset`; `false` when it has to be shown. */
  takeSimpleBlock(run: DataRun, start: number, end: number, offset: number): boolean {
    const taken = this.#visitor.takeSimpleBlock(run, start, end, offset);
    this.#frames.expectRoom(offset);
    return taken;
  }

  override visitStart(element: MkvStartMasterElement): void {
    if (element.type === Mkv.Segment) {
      const stray = this.#draft;
      if (stray !== undefined && this.#frames.length > 0) this.#finish(stray);
      this.#visitor.visitStart(element);
      this.#inSegment = true;
      this.#gapped = false;
      this.#draft = undefined;
      this.#open();
      return;
    }
    this.#visitor.visitStart(element);
    if (element.type === Mkv.Cluster) this.#follow();
  }

  override visitData(element: MkvDataElement): void {
    this.#visitor.visitData(element);
    this.#frames.expectRoom(element.offset);
  }

  override visitEnd(element: MkvEndMasterElement): void {
    const { type } = element;
    this.#visitor.visitEnd(element);
    this.#frames.expectRoom(element.start.offset);
    if (type === Mkv.Tags) {
      this.#endTags();
    } else if (type === Mkv.Cluster) {
      const draft = this.#open();
      draft.clusterEnded = true;
      if (element.truncated) draft.truncated = true;
    } else if (type === Mkv.Segment) {
      this.#inSegment = false;
      const draft = this.#draft;
      if (draft === undefined) return;
      if (element.truncated) draft.truncated = true;
      this.#finish(draft);
    }
  }

  #endTags(): void {
    this.#follow();
    const draft = this.#draft;
    // Millis-behind-now may come in Tags of its own.
    if (draft?.clusterEnded === true && draft.metadata?.continuationToken !== undefined) this.#finish(draft);
  }

  /** No more elements come. */
  end(): void {
    const draft = this.#draft;
    if (draft !== undefined && !this.#inSegment && this.#frames.length > 0) this.#finish(draft);
  }

  /** Ends the fragment at hand when the metadata says that another one has begun. */
  #follow(): void {
    const draft = this.#draft;
    const current = this.#visitor.metadata.currentFragmentMetadata;
    if (draft === undefined) {
      // Tags behind a finished fragment begin another only when they name it.
      if (current !== undefined && current !== this.#finished) this.#open();
      return;
    }
    if (draft.metadata === undefined) {
      draft.metadata = current;
    } else if (draft.metadata !== current) {
      this.#finish(draft);
      this.#open();
    }
  }

  #open(): Draft {
    this.#draft ??= {
      metadata: this.#visitor.metadata.currentFragmentMetadata,
      clusterEnded: false,
      // A Cluster that no Segment holds, or none of its own, has lost what stood before it.
      truncated: !this.#inSegment || this.#gapped,
    };
    this.#gapped = false;
    return this.#draft;
  }

  #finish(draft: Draft): void {
    const { metadata } = this.#visitor;
    this.#draft = undefined;
    this.#finished = draft.metadata;
    if (draft.metadata?.continuationToken !== undefined) this.#trailersExpected ??= true;
    const cut =
      this.#trailersExpected === true &&
      draft.metadata?.continuationToken === undefined &&
      draft.metadata?.error === undefined;
    const tags = draft.metadata?.tags ?? metadata.tags;
    this.#emit(
      new Fragment(draft.metadata, [...metadata.tracks.values()], this.#frames.take(), tags, draft.truncated || cut),
    );
  }
}
