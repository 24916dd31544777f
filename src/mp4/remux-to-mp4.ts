import type { ByteStream } from '../mkv/byte-stream.js';
import { AbortableSource } from '../mkv/pull.js';
import type { ByteSink } from '../visitors/copy-visitor.js';
import { ClusterCollector, type CollectedCluster } from './cluster-collector.js';
import { ElementFeed } from './element-feed.js';
import { FragmentLimit, type FragmentLimits, type LimitReached } from './fragment-limit.js';
import { FragmentRemuxer } from './fragment-remuxer.js';
import { type Mp4Spool, Mp4Writer } from './mp4-writer.js';
import { Mp4RemuxError } from './remux-error.js';
import type { RemuxedFragment } from './samples.js';
import { mimeTypeOf } from './segments.js';
import type { Mp4StreamOptions } from './streams.js';
import { describeTrack, type Mp4TrackInfo } from './track-info.js';

/** Options of {@link remuxToMp4}. */
export interface RemuxToMp4Options extends Omit<Mp4StreamOptions, 'startAtZero' | 'startOf' | 'chunkDuration'> {
  /**
   * Where `moov` stands. `first` (the default) lets a player begin before it has the whole file, and keeps all media in `spool` until
   * the end of the stream; `last` writes media at once and keeps nothing.
   */
  readonly moov?: 'first' | 'last' | undefined;
  /** Where media waits for `moov`. Default: in memory, where the chunks of the stream are kept. */
  readonly spool?: Mp4Spool | undefined;
  /** Where to stop, as the service's GetClip does. Default: at the end of the stream. */
  readonly limits?: FragmentLimits | undefined;
  /** Is called after each fragment with the number of `fragments`, and the `bytes` of media, so far. */
  readonly onProgress?: ((progress: { readonly fragments: number; readonly bytes: number }) => void) | undefined;
}

/** The result of {@link remuxToMp4}. */
export interface RemuxResult {
  /** Size of the file. */
  readonly bytes: number;
  /** How many fragments went in. */
  readonly fragments: number;
  /** How many fragments were left out, or a track of theirs, because of damage or media that cannot be remuxed (with `recover`). */
  readonly invalidFragments: number;
  /** Duration of the presentation, in microseconds. */
  readonly duration: number;
  /** The source's time at which it begins, in microseconds. */
  readonly startTime: number;
  /** The tracks that are in the file, in the order of their `trak` boxes. */
  readonly tracks: readonly Mp4TrackInfo[];
  /** Of each track that is wanted and has nothing in the file, why not; of those without frames 32 at most. */
  readonly leftOut: readonly Mp4RemuxError[];
  /** MIME type with the `codecs` parameter, which names each configuration that the file has. */
  readonly mimeType: string;
  /** The limit at which it stopped; `undefined` at the end of the stream. */
  readonly limitReached: LimitReached | undefined;
  /** Whether the stream ended in the middle of a fragment. */
  readonly truncated: boolean;
}

/**
 * Remuxes a byte stream to one progressive MP4, as the service's GetClip gives it. The presentation begins at 0; gaps between fragments
 * remain. The tables of `moov` need some bytes of memory for each frame; `moov` and `spool` decide where the media is held meanwhile.
 *
 * ```ts
 * await remuxToMp4(payload, (bytes) => file.write(bytes));
 * ```
 *
 * With `recover`, a fragment that is damaged or cannot be remuxed is left out; `onGap` and `onInvalidFragment` report it.
 *
 * @param sink receives the bytes of the file, in order; some are views of the stream's chunks
 * @throws Mp4RemuxError when media cannot go into one MP4, or there is none; MkvParseError when the bytes are wrong; whatever source, sink
 * or spool throw; the signal's reason when it is aborted. What was written is then not an MP4.
 */
export async function remuxToMp4(
  stream: ByteStream,
  sink: ByteSink,
  options: RemuxToMp4Options = {},
): Promise<RemuxResult> {
  const source = new AbortableSource(stream, options.signal);
  try {
    const clip = new Clip(sink, options);
    const clusters: CollectedCluster[] = [];
    const collector = new ClusterCollector(
      (cluster) => clusters.push(cluster),
      clip.isTolerant,
      (error) => clip.noteDamage(error),
      options.maxFragmentSize,
      undefined,
      options.inflate,
    );
    const feed = new ElementFeed(options, () => collector.noteGap());
    let chunk: Uint8Array | undefined;
    do {
      chunk = await source.read();
      if (chunk === undefined) {
        feed.end();
      } else {
        source.see(chunk);
        feed.push(chunk);
      }
      while (!clip.isDone && feed.step(collector)) {
        for (const cluster of clusters.splice(0)) {
          await clip.add(cluster);
          source.check();
        }
      }
    } while (chunk !== undefined && !clip.isDone);
    await source.cancel();
    return await clip.finish();
  } catch (error) {
    const explained = await source.explain(error);
    void source.cancel(explained);
    throw explained;
  }
}

class Clip {
  readonly #options: RemuxToMp4Options;
  readonly #remuxer: FragmentRemuxer;
  readonly #limit: FragmentLimit;
  readonly #writer: Mp4Writer;
  #startTime: number | undefined;
  #truncated = false;
  #invalid = 0;
  /** What was wrong with the first fragment that could not be remuxed. */
  #fault: Mp4RemuxError | undefined;

  constructor(sink: ByteSink, options: RemuxToMp4Options) {
    this.#options = options;
    this.#writer = new Mp4Writer(sink, options.moov === 'last' ? 'last' : (options.spool ?? 'memory'));
    this.#remuxer = new FragmentRemuxer(
      { ...options, startAtZero: true, chunkDuration: undefined },
      this.isTolerant ? (error) => this.noteDamage(error) : undefined,
    );
    this.#limit = new FragmentLimit(options.limits ?? {});
  }

  /** Whether nothing more is wanted. */
  get isDone(): boolean {
    return this.#limit.reached !== undefined;
  }

  /** Whether fragments are left out that cannot go in. */
  get isTolerant(): boolean {
    const { recover, onInvalidFragment } = this.#options;
    return recover === true || onInvalidFragment !== undefined;
  }

  /** Counts a damaged fragment; `error` is what is wrong with it, unless bytes are missing. */
  noteDamage(error: Mp4RemuxError | undefined): void {
    this.#invalid++;
    this.#fault ??= error;
    if (error !== undefined) this.#options.onInvalidFragment?.(error);
  }

  async add(cluster: CollectedCluster): Promise<void> {
    if (!this.#limit.admits(cluster)) return;
    // What is held back counts already, so that the limits hold.
    if (await this.#write(this.#remuxer.remux(cluster))) this.#limit.count(cluster);
    this.#options.onProgress?.({ fragments: this.#limit.fragments, bytes: this.#writer.mediaSize });
  }

  async finish(): Promise<RemuxResult> {
    await this.#write(this.#remuxer.flush());
    const { movie } = this.#writer;
    const tracks = movie.setups.map((setup, index) => describeTrack({ id: index + 1, setup }));
    if (tracks.length === 0) {
      const [error] = this.#remuxer.leftOut;
      if (error !== undefined && error.code !== 'NoFrames') throw error;
      throw this.#fault ?? new Mp4RemuxError('UnsupportedStreamMediaType', 'there are no frames of video or audio', {});
    }
    return {
      bytes: await this.#writer.finish(),
      fragments: this.#limit.fragments,
      invalidFragments: this.#invalid,
      duration: Math.round(movie.duration * 1e6),
      startTime: this.#startTime ?? 0,
      tracks,
      leftOut: this.#remuxer.leftOut.filter((error) => !tracks.some(({ track }) => track.number === error.trackNumber)),
      mimeType: mimeTypeOf(movie.configurations),
      limitReached: this.#limit.reached,
      truncated: this.#truncated,
    };
  }

  /** Writes what the remuxer gives; whether the fragment that it was given goes in. */
  async #write(steps: Generator<RemuxedFragment, boolean>): Promise<boolean> {
    for (;;) {
      try {
        const step = steps.next();
        if (step.done === true) return step.value;
        const remuxed = step.value;
        this.#writer.movie.check(remuxed);
        this.#startTime ??= remuxed.startTime;
        this.#truncated ||= remuxed.truncated;
        await this.#writer.add(remuxed);
      } catch (error) {
        if (!(error instanceof Mp4RemuxError) || !this.isTolerant) throw error;
        this.noteDamage(error);
      }
    }
  }
}
