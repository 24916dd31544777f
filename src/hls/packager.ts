import type { Bytes } from '../ebml/bytes.js';
import { type CmafFragment, CmafRemuxer } from '../mp4/cmaf-remuxer.js';
import type { Mp4StreamOptions } from '../mp4/streams.js';
import { cmafFragmentStream } from '../mp4/streams.js';
import { Assembler } from './assembler.js';
import { type PlaybackHandler, playbackHandler } from './handler.js';
import { limitsOf, type Playback, type PlaybackOptions, resolvePlayback, resolveServing } from './options.js';
import { Pacer } from './pacer.js';
import { Presentation } from './presentation.js';
import { bytesOrFragments, type PackagerSource } from './source.js';

/** Options of a {@link Packager}. */
export interface PackagerOptions
  extends PlaybackOptions,
    Pick<
      Mp4StreamOptions,
      | 'tracks'
      | 'canPlay'
      | 'onTrackLeftOut'
      | 'recover'
      | 'strict'
      | 'onGap'
      | 'onWarning'
      | 'onInvalidFragment'
      | 'maxFragmentSize'
      | 'verifyCrc'
    > {
  /**
   * The duration of a part in milliseconds, for low-latency HLS: viewers receive parts of a fragment before its end. More than 0, up to
   * 20,000; 200 is usual. The source must give bytes as they arrive, not whole fragments. Default: no parts.
   */
  readonly partDuration?: number | undefined;
  /** The prefix of the paths that the handler answers, such as `/cameras/door`. Default: none. */
  readonly basePath?: string | undefined;
  /** Which pages may read the responses (`Access-Control-Allow-Origin`): an origin, `*` for all (default), or `false` for none. */
  readonly allowOrigin?: string | false | undefined;
  /** How long a request waits for the first media, in milliseconds. Then the response is 503. Default 10,000. */
  readonly startTimeoutMs?: number | undefined;
  /** A query that is added to every address in playlists, for example a token. Default: none. */
  readonly query?: Readonly<Record<string, string>> | undefined;
}

/** A file of a presentation: a playlist, a manifest or a segment. */
export interface PlaybackFile {
  /** Relative to the others: `video-1/3.m4s`. */
  readonly path: string;
  /** The content. It is not a copy: do not write to it. */
  readonly bytes: Bytes;
}

/** The timeline begins here, in microseconds, so that what is decoded before it is presented has a time that is not negative. */
export const TIMELINE_START = 10_000_000;

/**
 * Turns a stream into HLS and DASH: a CMAF segment for each fragment and track. `handler` serves them with playlists and manifest.
 *
 * ```ts
 * const packager = new Packager({ partDuration: 200 });
 * void packager.feed(payload);
 * Deno.serve((request) => packager.handler(request));
 * ```
 *
 * Players open `main.m3u8` (HLS) or `manifest.mpd` (DASH) below `basePath`. Memory holds the fragments that playlists list and as many
 * again, which viewers may still request; with `ON_DEMAND`, all that are listed.
 */
export class Packager {
  /**
   * Answers GET, HEAD and OPTIONS, of paths that it does not know with 404. It never rejects. With a second argument, its responses are
   * made by that class instead of the platform's.
   */
  readonly handler: PlaybackHandler;
  readonly #options: PackagerOptions;
  readonly #playback: Playback;
  readonly #presentation: Presentation;
  readonly #assembler: Assembler;
  readonly #basePath: string;
  readonly #stop = new AbortController();
  #isFed = false;

  /** @throws RangeError when an option is out of its range */
  constructor(options: PackagerOptions = {}) {
    this.#options = options;
    const { startTimeoutMs = 10_000, query, partDuration } = options;
    this.#playback = resolvePlayback(options, partDuration, query);
    this.#presentation = new Presentation(limitsOf(this.#playback));
    this.#assembler = new Assembler(this.#presentation, this.#playback.discontinuityMode, this.#playback.partTarget);
    const serving = resolveServing(options);
    this.#basePath = serving.basePath;
    this.handler = playbackHandler({
      presentation: this.#presentation,
      playback: this.#playback,
      ...serving,
      startTimeoutMs,
    });
  }

  /**
   * Takes all of a source; then the presentation is complete, and playlists say so. To be called once.
   *
   * @returns settles when the source has ended, `ON_DEMAND` lists as many fragments as it may, or {@link Packager.close} is called
   * @throws MkvParseError, Mp4RemuxError when bytes or media are wrong (what is there can be played on), whatever the source throws
   */
  async feed(source: PackagerSource): Promise<void> {
    if (this.#isFed) throw new Error('the packager is fed already');
    this.#isFed = true;
    const { signal } = this.#stop;
    try {
      const pacer = this.#playback.mode === 'LIVE_REPLAY' ? new Pacer(signal) : undefined;
      for await (const fragment of this.#remux(source)) {
        await pacer?.wait(fragment);
        if (signal.aborted) break;
        if (this.#isFull(fragment)) break;
        this.#assembler.add(fragment);
      }
      this.#end();
    } catch (error) {
      if (!signal.aborted) {
        this.#end(error);
        throw error;
      }
    } finally {
      this.#end();
    }
  }

  /**
   * All files of the presentation as it is, playlists last: what a web server needs to serve it without this program. Of `ON_DEMAND`, once
   * {@link Packager.feed} has settled.
   *
   * @throws Error when there is no media
   */
  async *files(): AsyncGenerator<PlaybackFile, void> {
    const { tracks } = this.#presentation;
    const media = [...tracks.values()].flatMap((track) => [
      ...[...track.inits.keys()].map((id) => `${track.name}/init-${id}.mp4`),
      ...this.#presentation.listed(track).map(({ sequence }) => `${track.name}/${sequence}.m4s`),
    ]);
    const lists = [...tracks.keys()].map((name) => `${name}/media.m3u8`);
    for (const path of [...media, ...lists, 'manifest.mpd', 'main.m3u8']) {
      const response = await this.handler(new Request(`http://localhost${this.#basePath}/${path}`));
      if (!response.ok) throw new Error(`${path}: ${(await response.text()).trim()}`);
      yield { path, bytes: new Uint8Array(await response.arrayBuffer()) };
    }
  }

  /** Whether there is media to play, now or until a window of live fragments passed over it. */
  get hasMedia(): boolean {
    return this.#presentation.tracks.size > 0;
  }

  /** Ends feeding: the source is closed, and the presentation complete. */
  close(): void {
    this.#stop.abort();
    this.#end();
  }

  #end(failure?: unknown): void {
    if (this.#presentation.ended) return;
    this.#assembler.end();
    this.#presentation.end(failure);
  }

  #isFull({ chunk }: CmafFragment): boolean {
    const { mode, fragments } = this.#playback;
    return mode === 'ON_DEMAND' && chunk === 0 && this.#assembler.begun >= fragments;
  }

  async *#remux(source: PackagerSource): AsyncGenerator<CmafFragment, void> {
    const { partDuration, recover, onInvalidFragment = recover === true ? () => {} : undefined } = this.#options;
    const options = {
      ...this.#options,
      onInvalidFragment,
      chunkDuration: this.#playback.partTarget === undefined ? undefined : partDuration,
      startOf: () => TIMELINE_START,
      signal: this.#stop.signal,
    };
    const opened = await bytesOrFragments(source);
    if ('bytes' in opened) {
      yield* cmafFragmentStream(opened.bytes, options);
      return;
    }
    const made: CmafFragment[] = [];
    const remuxer = new CmafRemuxer((fragment) => made.push(fragment), options);
    for await (const fragment of opened.fragments) {
      if (this.#stop.signal.aborted) return;
      if (fragment.truncated && fragment.frames.length === 0) continue;
      remuxer.addFragment(fragment);
      yield* made.splice(0);
    }
    remuxer.end();
    yield* made.splice(0);
  }
}
