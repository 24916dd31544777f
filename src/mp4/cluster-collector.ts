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
  #frames: Frame[] = [];
  #damaged = false;

  /**
   * @param emit is given each Cluster that has frames
   * @param tolerant whether a Cluster with an element that has no value, like a Block that cannot be taken apart, is left out; else it throws
   * @param onDropped is told when a damaged Cluster is left out
   */
  constructor(emit: (cluster: CollectedCluster) => void, tolerant: boolean, onDropped: () => void) {
    super();
    this.#emit = emit;
    this.#onDropped = onDropped;
    const onInvalidElement = () => {
      this.#damaged = true;
    };
    const process = (frame: Frame) => void this.#frames.push(frame);
    this.#visitor = new FrameVisitor({ process }, tolerant ? { onInvalidElement } : {});
  }

  /** Says that bytes are missing: the Cluster at hand is left out. */
  noteGap(): void {
    this.#damaged = true;
    this.#visitor.metadata.noteGap();
  }

  override visitStart(element: MkvStartMasterElement): void {
    if (element.type === Mkv.Cluster) {
      this.#frames = [];
      this.#damaged = false;
    }
    this.#visitor.visitStart(element);
  }

  override visitData(element: MkvDataElement): void {
    this.#visitor.visitData(element);
  }

  override visitEnd(element: MkvEndMasterElement): void {
    this.#visitor.visitEnd(element);
    if (element.type !== Mkv.Cluster) return;
    const frames = this.#frames;
    this.#frames = [];
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
}
