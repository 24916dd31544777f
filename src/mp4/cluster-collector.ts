import { FrameList } from '../fragments/frame-list.js';
import type { MkvDataElement, MkvEndMasterElement, MkvStartMasterElement } from '../mkv/element.js';
import { Mkv } from '../mkv/elements.js';
import { MkvParseError } from '../mkv/parse-error.js';
import type { TrackMetadata } from '../mkv/track.js';
import type { Frame } from '../visitors/frame.js';
import { FrameVisitor } from '../visitors/frame-visitor.js';
import type { Inflate } from '../visitors/inflate.js';
import { MkvElementVisitor } from '../visitors/visitor.js';
import type { Chunker } from './chunker.js';
import { Mp4RemuxError } from './remux-error.js';
import type { FragmentPart } from './samples.js';

/** The frames of a Cluster, or of a chunk of it: of Kinesis Video Streams that is a fragment. */
export interface CollectedCluster extends FragmentPart {
  /** Whether the stream ended within it. */
  readonly truncated: boolean;
}

/** Gathers the frames of each Cluster, or chunk. Its end is not waited for longer than its last byte. */
export class ClusterCollector extends MkvElementVisitor {
  readonly #emit: (cluster: CollectedCluster) => void;
  readonly #onDropped: (error: Mp4RemuxError | undefined) => void;
  readonly #visitor: FrameVisitor;
  readonly #tolerant: boolean;
  readonly #frames: FrameList;
  readonly #chunker: Chunker | undefined;
  /** Whether a chunk of the Cluster has been given. */
  #continues = false;
  #damaged = false;
  #list: { readonly of: ReadonlyMap<number, TrackMetadata> | undefined; readonly tracks: readonly TrackMetadata[] } = {
    of: undefined,
    tracks: [],
  };
  /** What is wrong with the Cluster, the first of it. */
  #fault: string | undefined;

  /**
   * @param emit is given each Cluster that has frames
   * @param tolerant whether a Cluster that is too large, or has an element without a value, like a Block that cannot be taken apart, is
   * left out; else it throws
   * @param onDropped is told when a Cluster is left out, and why, unless bytes are missing
   * @param maxSize how many bytes of frames to hold
   * @param chunker cuts Clusters into chunks
   * @param inflate inflates frames that are stored compressed
   */
  constructor(
    emit: (cluster: CollectedCluster) => void,
    tolerant: boolean,
    onDropped: (error: Mp4RemuxError | undefined) => void,
    maxSize: number | undefined,
    chunker?: Chunker,
    inflate?: Inflate,
  ) {
    super();
    this.#tolerant = tolerant;
    this.#frames = new FrameList(maxSize);
    this.#emit = emit;
    this.#onDropped = onDropped;
    this.#chunker = chunker;
    const onInvalidElement = (error: MkvParseError) => this.#spoil(error);
    const process = (frame: Frame) => {
      // A Cluster that is left out need not be held.
      if (this.#damaged) return;
      if (this.#isDue(frame)) this.#give({ truncated: false, next: frame });
      this.#frames.add(frame);
    };
    this.#visitor = new FrameVisitor({ process }, tolerant ? { onInvalidElement, inflate } : { inflate });
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
      this.#fault = undefined;
      this.#continues = false;
      this.#chunker?.start();
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
    if (this.#damaged) {
      this.#frames.take();
      const { currentFragmentMetadata: metadata } = this.#visitor.metadata;
      const fault = this.#fault;
      this.#onDropped(
        fault === undefined ? undefined : new Mp4RemuxError('InvalidMediaFrame', fault, { fragment: metadata }),
      );
    } else if (this.#frames.length > 0) {
      this.#give({ truncated: element.truncated });
    }
  }

  /** The same array for as long as the tracks are the same. */
  #tracks(): readonly TrackMetadata[] {
    const { tracks } = this.#visitor.metadata;
    if (tracks !== this.#list.of) this.#list = { of: tracks, tracks: [...tracks.values()] };
    return this.#list.tracks;
  }

  #isDue(frame: Frame): boolean {
    const soFar = () => ({ tracks: this.#tracks(), frames: this.#frames.frames });
    return this.#chunker?.isDue(frame, soFar) === true;
  }

  #give(end: Pick<CollectedCluster, 'truncated' | 'next'>): void {
    const { currentFragmentMetadata: metadata } = this.#visitor.metadata;
    const frames = this.#frames.take();
    const continues = this.#continues;
    this.#continues = true;
    this.#emit({ tracks: this.#tracks(), frames, metadata, continues, ...end });
  }

  #checkSize(offset: number): void {
    try {
      this.#frames.expectRoom(offset);
    } catch (error) {
      if (!this.#tolerant || !(error instanceof MkvParseError)) throw error;
      this.#frames.take();
      this.#spoil(error);
    }
  }

  #spoil({ message }: MkvParseError): void {
    this.#fault ??= message;
    this.#damaged = true;
  }
}
