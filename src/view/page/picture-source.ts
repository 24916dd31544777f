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

/** So many pictures around the last one are kept: stepping back must not decode the whole group again. */
const MOST_KEPT = 24;
/** And so many pixels: a picture of 4K has 8 million. */
const MOST_PIXELS = 80_000_000;

/** So many frames wait in a decoder at the most. */
const MOST_QUEUED = 16;

/** Why there is no picture, in words for a user. */
export class PictureError extends Error {}

/**
 * Pictures of single frames, exactly: a decoder is given all from the key frame before, and of what comes out, the picture with the frame's
 * own timestamp is taken.
 */
export class PictureSource {
  readonly #ask: Inspection['ask'];
  /** By timestamp within a track's record; the latest used are last. */
  readonly #kept = new Map<string, ShownPicture>();

  constructor(ask: Inspection['ask']) {
    this.#ask = ask;
  }

  /**
   * The picture of a frame. The source keeps it: it may be gone when others have been asked for.
   *
   * @param track what tells tracks apart
   * @throws PictureError where this browser or the stream cannot give it, the signal's reason
   */
  async picture(track: number, frame: number, timestamp: number, signal: AbortSignal): Promise<ShownPicture> {
    const known = this.#kept.get(`${track} ${timestamp}`);
    if (known !== undefined) return { ...known, frame };
    const run = await this.#ask('picture', { frame }, { signal });
    const { video } = run;
    if (video === undefined) throw new PictureError(run.problem ?? 'the codec of this track is not known');
    if (/^m?jpe?g$/i.test(video.codec)) return this.#still(track, frame, run, signal);
    const found = await decodeRun(run, signal, (picture) => this.#keep(track, picture, frame, timestamp));
    if (!found) {
      throw new PictureError(run.problem ?? 'the decoder gives no picture for this frame');
    }
    const picture = this.#kept.get(`${track} ${run.timestamp}`);
    if (picture === undefined) throw new PictureError(run.problem ?? 'the decoder gives no picture for this frame');
    return { ...picture, frame };
  }

  /** Lets go of all pictures. */
  clear(): void {
    for (const { image } of this.#kept.values()) image.close();
    this.#kept.clear();
  }

  async #still(track: number, frame: number, run: EncodedRun & { readonly timestamp: number }, signal: AbortSignal) {
    const encoded = run.frames.find((each) => each.frame === frame) ?? run.frames[0];
    if (encoded === undefined) throw new PictureError(run.problem ?? 'the frame is empty');
    const image = await createImageBitmap(new Blob([encoded.chunk.data], { type: 'image/jpeg' }));
    signal.throwIfAborted();
    const picture = { frame, timestamp: run.timestamp, image, width: image.width, height: image.height };
    this.#put(`${track} ${run.timestamp}`, picture);
    return picture;
  }

  async #keep(track: number, picture: VideoFrame, frame: number, wanted: number): Promise<void> {
    const { timestamp, displayWidth, displayHeight } = picture;
    const image = await createImageBitmap(picture);
    picture.close();
    const shown = { frame, timestamp, image, width: displayWidth, height: displayHeight };
    this.#put(`${track} ${timestamp}`, shown, `${track} ${wanted}`);
  }

  #put(key: string, picture: ShownPicture, needed = key): void {
    this.#kept.get(key)?.image.close();
    this.#kept.delete(key);
    this.#kept.set(key, picture);
    let pixels = 0;
    for (const { image } of this.#kept.values()) pixels += image.width * image.height;
    for (const [other, { image }] of this.#kept) {
      if (this.#kept.size <= MOST_KEPT && pixels <= MOST_PIXELS) break;
      if (other === needed || other === key) continue;
      pixels -= image.width * image.height;
      image.close();
      this.#kept.delete(other);
    }
  }
}

/** How many pictures before the wanted one are kept for stepping back. */
const BEFORE = 12;

/**
 * Decodes a run up to the picture that is wanted.
 *
 * @param take is given the pictures near the wanted one, and closes them
 * @returns whether the wanted picture came
 */
async function decodeRun(
  run: EncodedRun & { readonly timestamp: number },
  signal: AbortSignal,
  take: (picture: VideoFrame) => Promise<void>,
): Promise<boolean> {
  const { video: settings, timestamp: wanted } = run;
  if (settings === undefined) return false;
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
  const at = times.indexOf(wanted);
  const earliest = times[Math.max(0, at - BEFORE)] ?? wanted;
  const taken: Promise<void>[] = [];
  let found = false;
  let problem: DOMException | undefined;
  const decoder = new VideoDecoder({
    output(picture) {
      if (picture.timestamp === wanted) found = true;
      if (picture.timestamp >= earliest && picture.timestamp <= wanted) taken.push(take(picture));
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
      if (problem !== undefined || found) break;
      decoder.decode(new EncodedVideoChunk(chunk));
      while (decoder.decodeQueueSize > MOST_QUEUED && problem === undefined) {
        await new Promise((resolve) => decoder.addEventListener('dequeue', resolve, { once: true }));
      }
    }
    if (!found && problem === undefined) await decoder.flush();
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    problem ??= error instanceof DOMException ? error : new DOMException(String(error));
  } finally {
    if (decoder.state !== 'closed') decoder.close();
  }
  await Promise.all(taken);
  if (!found && problem !== undefined) throw new PictureError(`the decoder refuses it: ${problem.message}`);
  return found;
}
