import type { Frame } from '../visitors/frame.js';
import { type AbortWatch, watchAbort } from './abort-watch.js';
import { type CodecChoice, loadCodecs } from './codecs.js';
import { DecodeError, type MediaProblem } from './decode-error.js';
import { MediaFrames, type MediaReadOptions, type MediaSource } from './media-frames.js';
import { Picture, type PictureAspect } from './picture.js';
import { PictureChoice } from './picture-choice.js';
import { PictureDecoder } from './picture-decoder.js';
import { type PictureFeed, PictureFeeds } from './picture-feeds.js';
import { type MediaTime, type PictureInterval, parseInterval } from './sampling.js';

/** Options of {@link readPictures}. */
export interface ReadPicturesOptions extends MediaReadOptions {
  /** Which pictures. Default `'frame'`: all. */
  readonly every?: PictureInterval | undefined;
  /** The track: its number or name. Default: the first video track that has frames. */
  readonly track?: number | string | undefined;
  /** The first moment, included: in microseconds of the stream, or a Date by the producer's clock. Default: the beginning. */
  readonly from?: MediaTime | undefined;
  /** The last moment, included. Default: the end of the stream. */
  readonly to?: MediaTime | undefined;
  /** The decoder. Default: WebCodecs where it is available, else ffmpeg. */
  readonly codecs?: CodecChoice | undefined;
  /** The shape of pictures whose pixels are not square: as they are stored (default), or as they are to be shown. */
  readonly aspect?: PictureAspect | undefined;
  /** Receives problems: damage, and sample times at which nothing was recorded. */
  readonly onProblem?: ((problem: MediaProblem) => void) | undefined;
}

/** How long the source may give nothing before the decoder has to give what it holds, in milliseconds. */
const IDLE_MS = 50;

/**
 * Reads the pictures of a video track, in order of presentation. Only groups of pictures that contain a wanted picture are decoded. A
 * picture is closed when the loop continues; the decoder is closed when the loop is left.
 *
 * ```ts
 * for await (const picture of readPictures(payload, { every: '1s' })) await save(await picture.encode('jpeg'));
 * ```
 *
 * @param source a byte stream, or fragments: a consumer, `readFragments`, a list
 * @throws DecodeError `NoDecoder`, `UnsupportedCodec`; `MkvParseError` when the bytes are wrong; whatever the source throws; the signal's
 * reason when it is aborted
 */
export async function* readPictures(
  source: MediaSource,
  options: ReadPicturesOptions = {},
): AsyncGenerator<Picture, undefined> {
  const reading = new PictureReading(source, options);
  try {
    for (let picture = await reading.next(); picture !== undefined; picture = await reading.next()) {
      try {
        yield picture;
      } finally {
        picture.close();
      }
    }
    return undefined;
  } finally {
    reading.close();
  }
}

/** The state of one loop over pictures. */
class PictureReading {
  readonly #options: ReadPicturesOptions;
  readonly #media: MediaFrames;
  readonly #choice: PictureChoice;
  readonly #feeds: PictureFeeds;
  readonly #abort: AbortWatch;
  /** Between groups of pictures the decoder may be asked for all that it holds; where it is given all frames, only at the end. */
  readonly #mayFlush: boolean;
  #decoder: PictureDecoder | undefined;
  /** What is to be decoded next. */
  #queue: Iterator<PictureFeed> | undefined;
  #feed: PictureFeed | undefined;
  #frame: Promise<Frame | undefined> | undefined;
  #track: number | undefined;
  #ended = false;
  #flushed = false;

  constructor(source: MediaSource, options: ReadPicturesOptions) {
    const { every = 'frame', from, to, onProblem = () => {} } = options;
    const sampling = parseInterval(every);
    this.#options = options;
    this.#choice = new PictureChoice(sampling, from, to, onProblem);
    this.#feeds = new PictureFeeds(sampling, this.#choice, onProblem);
    this.#mayFlush = !(sampling.kind === 'frames' && sampling.every === 1);
    this.#media = new MediaFrames(source, options, (reason) => this.#feeds.lose(reason));
    this.#abort = watchAbort(options.signal);
  }

  /** The next picture; `undefined` when there is none any more. */
  async next(): Promise<Picture | undefined> {
    for (;;) {
      this.#abort.check();
      const picture = this.#decoder?.take();
      if (picture !== undefined) return picture;
      if (this.#decoder?.hasFailed === true) {
        await this.#decoder.mend();
        continue;
      }
      this.#feed ??= this.#nextFeed();
      const feed = this.#feed;
      if (feed !== undefined) {
        const given = await this.#give(feed);
        if (given !== undefined) return given;
      } else if (!this.#ended) {
        await this.#read();
      } else if (this.#flushed || this.#decoder === undefined) {
        return undefined;
      } else {
        this.#flushed = true;
        await this.#decoder.flush();
      }
    }
  }

  close(): void {
    this.#abort.end();
    this.#decoder?.close();
    this.#frame?.catch(() => {});
    this.#media.close();
  }

  #nextFeed(): PictureFeed | undefined {
    const result = this.#queue?.next();
    if (result === undefined || result.done === true) {
      this.#queue = undefined;
      return undefined;
    }
    return result.value;
  }

  /** Gives a frame to the decoder, or waits until it takes it. A picture that need not be decoded is returned. */
  async #give(feed: PictureFeed): Promise<Picture | undefined> {
    const { aspect = 'stored', codecs, onProblem = () => {} } = this.#options;
    const { frame, wanted } = feed;
    if (frame.track.codecId === 'V_MJPEG') {
      this.#feed = undefined;
      return wanted ? new Picture(frame, undefined, aspect) : undefined;
    }
    this.#decoder ??= new PictureDecoder({
      codecs: await loadCodecs(codecs),
      aspect,
      tell: onProblem,
      onBroken: (group, reason) => this.#feeds.abandon(group, reason),
    });
    if (!this.#decoder.hasRoom) {
      await this.#abort.race(this.#decoder.room());
      return undefined;
    }
    this.#feed = undefined;
    await this.#decoder.feed(feed);
    return undefined;
  }

  /** Reads the next frame; meanwhile pictures may become ready, and a decoder that is left alone gives what it holds. */
  async #read(): Promise<void> {
    this.#frame ??= this.#media.next();
    const decoder = this.#decoder;
    const frame = this.#frame.then((value) => ({ value }));
    if (decoder?.isBusy !== true) return this.#take((await this.#abort.race(frame)).value);
    const idle = this.#mayFlush ? pause(IDLE_MS) : undefined;
    const waits: Promise<{ readonly value: Frame | undefined } | 'changed' | 'idle'>[] = [
      frame,
      decoder.change().then(() => 'changed' as const),
    ];
    if (idle !== undefined) waits.push(idle.over.then(() => 'idle' as const));
    const result = await this.#abort.race(Promise.race(waits));
    idle?.cancel();
    if (result === 'idle') await decoder.flush();
    else if (result !== 'changed') this.#take(result.value);
  }

  #take(frame: Frame | undefined): void {
    this.#frame = undefined;
    if (frame === undefined || (this.#isWanted(frame) && this.#choice.isPast(frame) && frame.keyframe)) {
      // Behind the end that was asked for, nothing more is read.
      this.#ended = true;
      this.#queue = this.#feeds.finish();
      if (frame === undefined && this.#track === undefined) this.#expectTrack();
    } else if (this.#isWanted(frame)) {
      this.#queue = this.#feeds.push(frame);
    }
  }

  #isWanted({ track }: Frame): boolean {
    if (track.type !== 'video') return false;
    const { track: wanted } = this.#options;
    if (wanted !== undefined && wanted !== track.number && wanted !== track.name) return false;
    this.#track ??= track.number;
    return track.number === this.#track;
  }

  #expectTrack(): void {
    const { track } = this.#options;
    if (track === undefined) return;
    throw new DecodeError('NoTrack', `there are no frames of video in track ${JSON.stringify(track)}`);
  }
}

function pause(milliseconds: number): { readonly over: Promise<void>; cancel(): void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  return { over, cancel: () => clearTimeout(timer) };
}
