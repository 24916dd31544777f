import { FrameList } from '../fragments/frame-list.js';
import type { MkvDataElement, MkvEndMasterElement, MkvStartMasterElement } from '../mkv/element.js';
import { Mkv } from '../mkv/elements.js';
import type { Frame } from '../visitors/frame.js';
import { FrameVisitor } from '../visitors/frame-visitor.js';
import { MkvElementVisitor } from '../visitors/visitor.js';
import type { FragmentInput } from './fragment-remuxer.js';

/** The frames of a Cluster: of Kinesis Video Streams that is a fragment. */
export interface CollectedCluster extends FragmentInput {
  /** Whether the stream ended within it. */
  readonly truncated: boolean;
}

/** Gathers the frames of each Cluster. Its end is not waited for longer than its last byte. */
export class ClusterCollector extends MkvElementVisitor {
  readonly #emit: (cluster: CollectedCluster) => void;
  readonly #onDropped: () => void;
  readonly #visitor: FrameVisitor;
  readonly #tolerant: boolean;
  readonly #frames: FrameList;
  #damaged = false;

  /**
   * @param emit is given each Cluster that has frames
   * @param tolerant whether a Cluster that is too large, or has an element without a value, like a Block that cannot be taken apart, is
   * left out; else it throws
   * @param onDropped is told when a damaged Cluster is left out
   * @param maxSize how many bytes of frames to hold
   */
  constructor(
    emit: (cluster: CollectedCluster) => void,
    tolerant: boolean,
    onDropped: () => void,
    maxSize: number | undefined,
  ) {
    super();
    this.#tolerant = tolerant;
    this.#frames = new FrameList(maxSize);
    this.#emit = emit;
    this.#onDropped = onDropped;
    const onInvalidElement = () => {
      this.#damaged = true;
    };
    const process = (frame: Frame) => {
      // A Cluster that is left out need not be held.
      if (!this.#damaged) this.#frames.add(frame);
    };
    this.#visitor = new FrameVisitor({ process }, tolerant ? { onInvalidElement } : {});
  }

  /** Says that bytes are missing: the Cluster at hand is left out. */
  noteGap(): void {
    this.#damaged = true;
    this.#visitor.metadata.noteGap();
  }

  override visitStart(element: MkvStartMasterElement): void {
    if (element.type === Mkv.Cluster) {
      this.#frames.take();
      this.#damaged = false;
    }
    this.#visitor.visitStart(element);
  }

  override visitData(element: MkvDataElement): void {
    this.#visitor.visitData(element);
    this.#checkSize(element.offset);
  }

  override visitEnd(element: MkvEndMasterElement): void {
    this.#visitor.visitEnd(element);
    this.#checkSize(element.start.offset);
    if (element.type !== Mkv.Cluster) return;
    const frames = this.#frames.take();
    if (this.#damaged) this.#onDropped();
    if (this.#damaged || frames.length === 0) return;
    const { tracks, currentFragmentMetadata } = this.#visitor.metadata;
    this.#emit({
      tracks: [...tracks.values()],
      frames,
      metadata: currentFragmentMetadata,
      truncated: element.truncated,
    });
  }

  #checkSize(offset: number): void {
    if (!this.#tolerant) {
      this.#frames.expectRoom(offset);
    } else if (this.#frames.isTooLarge) {
      this.#frames.take();
      this.#damaged = true;
    }
  }
}
