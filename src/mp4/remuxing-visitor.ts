import type { MkvDataElement, MkvEndMasterElement, MkvStartMasterElement } from '../mkv/element.js';
import type { Inflate } from '../visitors/inflate.js';
import { MkvElementVisitor } from '../visitors/visitor.js';
import { Chunker } from './chunker.js';
import { ClusterCollector } from './cluster-collector.js';
import { FragmentRemuxer, type RemuxOptions } from './fragment-remuxer.js';
import { Mp4RemuxError } from './remux-error.js';
import type { FragmentInput, FragmentPart, RemuxedFragment } from './samples.js';

/** Options for remuxing. */
export interface Mp4RemuxerOptions extends RemuxOptions {
  /**
   * The largest Cluster to hold, in bytes of its frames, plus 180 for each Block and 96 for each further frame of a laced Block. Default
   * 256 MiB. A larger one is an `MkvParseError`, or is left out like damage (`onInvalidFragment`, `recover`). A fragment of Kinesis Video
   * Streams has at most 50 MB.
   */
  readonly maxFragmentSize?: number | undefined;
  /** Inflates frames that are stored compressed with zlib; see `FrameVisitorOptions`. Without it their tracks are left out. */
  readonly inflate?: Inflate | undefined;
  /**
   * Receives the error of a fragment that cannot be remuxed, or has Blocks that cannot be read. Remuxing continues with the next fragment.
   * If only one track is at fault, only that track is left out of the fragment. Without this option the error is thrown; for Blocks it is
   * an `MkvParseError`.
   */
  readonly onInvalidFragment?: ((error: Mp4RemuxError) => void) | undefined;
}

/** What is told of a remuxed fragment, or a chunk of it, besides its samples. */
export interface RemuxedPlace {
  /** Which chunk of its fragment it is, from 0. */
  readonly chunk: number;
  /** Whether it does not continue what came before. */
  readonly discontinuity: boolean;
}

/** Takes fragments, as elements or whole, and gives them remuxed to whatever writes segments of them. */
export abstract class RemuxingVisitor extends MkvElementVisitor {
  readonly #onInvalidFragment: ((error: Mp4RemuxError) => void) | undefined;
  readonly #remuxer: FragmentRemuxer;
  readonly #chunker: Chunker | undefined;
  readonly #collector: ClusterCollector;
  #chunk = 0;
  #broken = false;

  constructor(options: Mp4RemuxerOptions) {
    super();
    this.#onInvalidFragment = options.onInvalidFragment;
    this.#remuxer = new FragmentRemuxer(options, options.onInvalidFragment);
    const { chunkDuration } = options;
    this.#chunker = chunkDuration === undefined ? undefined : new Chunker(chunkDuration * 1000, this.#remuxer);
    this.#collector = new ClusterCollector(
      (cluster) => this.#add(cluster),
      options.onInvalidFragment !== undefined,
      (error) => {
        this.end();
        this.#broken = true;
        if (error !== undefined) this.#onInvalidFragment?.(error);
      },
      options.maxFragmentSize,
      this.#chunker,
      options.inflate,
    );
  }

  /** Says that bytes of the stream are missing here: the current fragment is left out. */
  noteGap(): void {
    this.end();
    this.#broken = true;
    this.#collector.noteGap();
  }

  override visitStart(element: MkvStartMasterElement): void {
    this.#collector.visitStart(element);
  }

  override visitData(element: MkvDataElement): void {
    this.#collector.visitData(element);
  }

  override visitEnd(element: MkvEndMasterElement): void {
    this.#collector.visitEnd(element);
  }

  /**
   * Remuxes a whole fragment. One with a single frame of video lasts until the next one begins, so its segment comes with the next
   * fragment, or with {@link Mp4Remuxer.end}.
   */
  addFragment(fragment: FragmentInput): void {
    const { tracks, frames, metadata, truncated } = fragment;
    let from = 0;
    this.#chunker?.start();
    for (const [index, next] of this.#chunker === undefined ? [] : frames.entries()) {
      if (this.#chunker?.isDue(next, () => ({ tracks, frames: frames.slice(from, index) })) !== true) continue;
      this.#add({ tracks, frames: frames.slice(from, index), metadata, continues: from > 0, next });
      from = index;
    }
    this.#add({ tracks, frames: frames.slice(from), metadata, continues: from > 0, truncated });
  }

  #add(fragment: FragmentPart): void {
    try {
      for (const remuxed of this.#remuxer.remux(fragment)) this.#give(remuxed);
    } catch (error) {
      if (!(error instanceof Mp4RemuxError) || this.#onInvalidFragment === undefined) throw error;
      this.#broken = true;
      this.#onInvalidFragment(error);
    }
  }

  /** Writes what was remuxed. */
  protected abstract write(remuxed: RemuxedFragment, place: RemuxedPlace): void;

  /** Why tracks are left out for now. */
  get leftOut(): readonly Mp4RemuxError[] {
    return this.#remuxer.leftOut;
  }

  /** Gives what is held back: to be called at the end of the stream. More may follow. */
  end(): void {
    for (const remuxed of this.#remuxer.flush()) this.#give(remuxed);
  }

  #give(remuxed: RemuxedFragment): void {
    this.#chunk = remuxed.continues ? this.#chunk + 1 : 0;
    const discontinuity = this.#broken || remuxed.gap > 0 || remuxed.timeReset;
    this.#broken = false;
    this.write(remuxed, { chunk: this.#chunk, discontinuity });
  }
}
