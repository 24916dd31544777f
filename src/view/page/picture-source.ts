import type { Inspection } from '../inspection.js';
import type { EncodedRun } from '../protocol.js';

/** A picture of a frame, to be drawn. */
export interface ShownPicture {
  readonly frame: number;
  /** Presentation time, in microseconds. */
  readonly timestamp: number;
  readonly image: ImageBitmap;
  /** Size to show it with, in pixels. */
  readonly width: number;
  readonly height: number;
}

/** So many pictures are kept: stepping must not decode the whole group of pictures again each time. */
const MOST_KEPT = 24;
/** And so many pixels: a picture of 4K has 8 million. */
const MOST_PIXELS = 80_000_000;

/** So many frames wait in a decoder at the most. */
const MOST_QUEUED = 16;

/** Why there is no picture, in words for a user. */
class PictureError extends Error {}

/** A frame whose picture is wanted. */
export interface WantedFrame {
  readonly frame: number;
  /** Its presentation time, in microseconds. */
  readonly timestamp: number;
  /** A frame behind it, up to which pictures are made as well: those are likely to be wanted next. */
  readonly ahead?: number | undefined;
}

/**
 * Pictures of single frames, exactly: a decoder is given all from the key frame before, and of what comes out, the picture with the frame's
 * own timestamp is taken.
 */
export class PictureSource {
  readonly #ask: Inspection['ask'];
  /** By number of the frame; the latest made are last. */
  readonly #kept = new Map<number, ShownPicture>();

  constructor(ask: Inspection['ask']) {
    this.#ask = ask;
  }

  /**
   * The picture of a frame. The source keeps it: it may be gone when others have been asked for.
   *
   * @throws PictureError where this browser or the stream cannot give it, the signal's reason
   */
  async picture({ frame, timestamp, ahead }: WantedFrame, signal: AbortSignal): Promise<ShownPicture> {
    const known = this.#kept.get(frame);
    if (known !== undefined) return known;
    const run = await this.#ask('picture', { frame: ahead ?? frame }, { signal });
    const { video } = run;
    if (video === undefined) throw new PictureError(run.problem ?? 'the codec of this track is not known');
    if (/^m?jpe?g$/i.test(video.codec)) return this.#still(frame, run, signal);
    // Timestamps of a producer that begins anew come again: only within a run does one stand for one frame.
    const numbers = new Map(run.frames.map((each) => [each.chunk.timestamp, each.frame]));
    numbers.set(timestamp, frame);
    const problem = await decodeRun(run, timestamp, signal, (picture) => this.#keep(picture, numbers, frame));
    const found = this.#kept.get(frame);
    if (found !== undefined) return found;
    throw new PictureError(problem ?? run.problem ?? 'the decoder gives no picture for this frame');
  }

  /** Lets go of all pictures. */
  clear(): void {
    for (const { image } of this.#kept.values()) image.close();
    this.#kept.clear();
  }

  async #still(frame: number, run: EncodedRun & { readonly timestamp: number }, signal: AbortSignal) {
    const encoded = run.frames.find((each) => each.frame === frame) ?? run.frames[0];
    if (encoded === undefined) throw new PictureError(run.problem ?? 'the frame is empty');
    const image = await createImageBitmap(new Blob([encoded.chunk.data], { type: 'image/jpeg' }));
    signal.throwIfAborted();
    const picture = { frame, timestamp: run.timestamp, image, width: image.width, height: image.height };
    this.#put(picture, frame);
    return picture;
  }

  async #keep(picture: VideoFrame, numbers: ReadonlyMap<number, number>, wanted: number): Promise<void> {
    const { timestamp, displayWidth, displayHeight } = picture;
    const frame = numbers.get(timestamp);
    const image = frame === undefined ? undefined : await createImageBitmap(picture);
    picture.close();
    if (frame === undefined || image === undefined) return;
    this.#put({ frame, timestamp, image, width: displayWidth, height: displayHeight }, wanted);
  }

  #put(picture: ShownPicture, wanted: number): void {
    const { frame } = picture;
    this.#kept.get(frame)?.image.close();
    this.#kept.delete(frame);
    this.#kept.set(frame, picture);
    let pixels = 0;
    for (const { image } of this.#kept.values()) pixels += image.width * image.height;
    for (const [other, { image }] of this.#kept) {
      if (this.#kept.size <= MOST_KEPT && pixels <= MOST_PIXELS) break;
      if (other === wanted || other === frame) continue;
      pixels -= image.width * image.height;
      image.close();
      this.#kept.delete(other);
    }
  }
}

/** How many pictures before the wanted one are kept for stepping back. */
const BEFORE = 10;

/**
 * Decodes a run.
 *
 * @param wanted the timestamp of the picture that is wanted
 * @param take is given the pictures near the wanted one and all behind it, and closes them
 * @returns what the decoder objects to, in words
 */
async function decodeRun(
  run: EncodedRun,
  wanted: number,
  signal: AbortSignal,
  take: (picture: VideoFrame) => Promise<void>,
): Promise<string | undefined> {
  const { video: settings } = run;
  if (settings === undefined) return run.problem;
  if (typeof VideoDecoder === 'undefined') {
    throw new PictureError(
      isSecureContext
        ? 'this browser has no WebCodecs: it cannot show single pictures'
        : 'browsers decode pictures only for pages from localhost or by HTTPS',
    );
  }
  const { supported } = await VideoDecoder.isConfigSupported(settings).catch(() => ({ supported: false }));
  if (!supported) throw new PictureError(`this browser cannot decode ${settings.codec}`);
  signal.throwIfAborted();
  const times = run.frames.map(({ chunk }) => chunk.timestamp).sort((a, b) => a - b);
  const earliest = times[Math.max(0, times.indexOf(wanted) - BEFORE)] ?? wanted;
  const taken: Promise<void>[] = [];
  let problem: DOMException | undefined;
  const decoder = new VideoDecoder({
    output(picture) {
      if (picture.timestamp >= earliest) taken.push(take(picture));
      else picture.close();
    },
    error(error) {
      problem = error;
    },
  });
  try {
    decoder.configure(settings);
    for (const { chunk } of run.frames) {
      signal.throwIfAborted();
      if (problem !== undefined) break;
      decoder.decode(new EncodedVideoChunk(chunk));
      while (decoder.decodeQueueSize > MOST_QUEUED && problem === undefined) {
        await new Promise((resolve) => decoder.addEventListener('dequeue', resolve, { once: true }));
      }
    }
    if (problem === undefined) await decoder.flush();
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    problem ??= error instanceof DOMException ? error : new DOMException(String(error));
  } finally {
    if (decoder.state !== 'closed') decoder.close();
  }
  await Promise.all(taken);
  return problem && `the decoder refuses it: ${problem.message}`;
}
