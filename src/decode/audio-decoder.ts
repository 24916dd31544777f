import { sameBytes } from '../ebml/bytes.js';
import { CodecDataError } from '../mkv/codec/codec-error.js';
import type { AudioDecoderSettings } from '../mkv/decoder-config.js';
import type { TrackMetadata } from '../mkv/track.js';
import type { Frame } from '../visitors/frame.js';
import type { Change } from './change.js';
import type { Codecs } from './codecs.js';
import { DecodeError } from './decode-error.js';
import { type Sound, soundOf } from './sound.js';
import type { AudioDataLike, DecoderLike } from './webcodecs.js';

/** So many frames may wait in the decoder. */
const MOST_QUEUED = 32;
/** With so many frames inside, the event loop turns before the next one: decoders call back in a turn of their own. */
const MANY_INSIDE = 64;
/** In microseconds: of a frame whose codec does not tell how long it is. */
const ANY_DURATION = 20_000;
/** Opus is decoded at this rate, whatever it was recorded at (RFC 7845 section 5.1). */
const OPUS_RATE = 48_000;

/** What is done with what comes out of a decoder. */
export interface AudioDecoderListener {
  /** A frame's sound. */
  readonly onSound: (sound: Sound, fed: FedFrame) => void;
  /** Frames give no sound, one or several on end. */
  readonly onBroken: (frames: readonly FedFrame[], message: string, cause?: unknown) => void;
}

/** A frame that has been given to a decoder. */
export interface FedFrame {
  readonly frame: Frame;
  /** How often the times of the stream had begun again before it. */
  readonly epoch: number;
}

interface Pending extends FedFrame {
  /** What the decoder calls it, in microseconds: frames lie one behind the other, whatever their times are. */
  readonly time: number;
  readonly duration: number;
  readonly data: Uint8Array;
}

/** Gives the frames of a track to a decoder, and tells which frame its output is of. Frames that it fails at are told of and left out. */
export class AudioFrameDecoder {
  #codecs: Codecs;
  #fallback: Codecs | undefined;
  readonly #listener: AudioDecoderListener;
  readonly #change: Change;
  #decoder: DecoderLike<AudioDecoderSettings> | undefined;
  #track: TrackMetadata | undefined;
  #config: AudioDecoderSettings | undefined;
  #pending: Pending[] = [];
  #clock = 0;
  #error: Error | undefined;
  /** Whether the decoder that there is has given anything, and whether one before it has. */
  #hasGiven = false;
  #hasEverGiven = false;

  /** @param fallback what to try where `codecs` do not take the track, or fail at its first frames */
  constructor(codecs: Codecs, fallback: Codecs | undefined, listener: AudioDecoderListener, change: Change) {
    this.#codecs = codecs;
    this.#fallback = fallback;
    this.#listener = listener;
    this.#change = change;
  }

  /** Whether the next frame may be given, and nothing has to be mended first. */
  get hasRoom(): boolean {
    return this.#error === undefined && (this.#decoder?.decodeQueueSize ?? 0) < MOST_QUEUED;
  }

  /** Whether something is in the decoder. */
  get isBusy(): boolean {
    return this.#pending.length > 0 || this.#error !== undefined;
  }

  /** Whether the decoder has failed. */
  get hasFailed(): boolean {
    return this.#error !== undefined;
  }

  /**
   * Gives the next frame. There has to be room.
   *
   * @throws DecodeError `UnsupportedCodec`
   */
  async feed(fed: FedFrame): Promise<void> {
    const { frame } = fed;
    if (frame.track !== this.#track) await this.#configure(frame.track);
    let data: Uint8Array;
    try {
      data = frame.dataFor(this.#track?.format);
    } catch (error) {
      if (!(error instanceof CodecDataError)) throw error;
      this.#listener.onBroken([fed], error.message, error);
      return;
    }
    const duration = frame.duration ?? ANY_DURATION;
    this.#give({ ...fed, data, duration, time: Math.round(this.#clock) });
    this.#clock += duration;
    if (this.#pending.length >= MANY_INSIDE) await new Promise<void>((resolve) => setTimeout(resolve));
  }

  #give(pending: Pending): void {
    const { EncodedAudioChunk } = this.#codecs;
    const { time: timestamp, duration, data } = pending;
    this.#pending.push(pending);
    try {
      this.#decoder?.decode(new EncodedAudioChunk({ type: 'key', timestamp, duration: Math.round(duration), data }));
    } catch (error) {
      this.#error ??= error instanceof Error ? error : new Error(String(error));
    }
  }

  /** Has the decoder give all that it holds, and mends it where it fails. */
  async flush(): Promise<void> {
    await this.#flushDecoder();
    while (this.#error !== undefined) {
      await this.mend();
      await this.#flushDecoder();
    }
    this.#leave(this.#pending.splice(0));
  }

  async #flushDecoder(): Promise<void> {
    if (this.#pending.length === 0 || this.#error !== undefined) return;
    try {
      await this.#decoder?.flush();
    } catch (error) {
      this.#error ??= error instanceof Error ? error : new Error(String(error));
    }
  }

  /** Goes on with other decoders after one has failed: what it had been given is tried frame by frame. */
  async mend(): Promise<void> {
    const again = this.#pending.splice(0);
    this.#error = undefined;
    this.#close();
    if (!this.#hasEverGiven && this.#fallBack()) {
      this.#open();
      for (const pending of again) this.#give(pending);
      return;
    }
    for (const pending of again) {
      this.#open();
      this.#give(pending);
      await this.#flushDecoder();
      const cause = this.#takeError();
      if (cause !== undefined) this.#close();
      if (this.#pending.splice(0).length === 0) continue;
      this.#listener.onBroken([pending], cause?.message ?? 'the decoder gives no sound', cause);
    }
    this.#open();
  }

  #fallBack(): boolean {
    if (this.#fallback === undefined) return false;
    this.#codecs = this.#fallback;
    this.#fallback = undefined;
    return true;
  }

  #takeError(): Error | undefined {
    const error = this.#error;
    this.#error = undefined;
    return error;
  }

  /** Ends it. */
  close(): void {
    this.#close();
    this.#pending = [];
  }

  #close(): void {
    const decoder = this.#decoder;
    this.#decoder = undefined;
    if (decoder !== undefined && decoder.state !== 'closed') decoder.close();
  }

  async #configure(track: TrackMetadata): Promise<void> {
    const config = settingsOf(track);
    if (this.#config === undefined || !sameSettings(config, this.#config)) {
      await this.flush();
      if (!(await this.#supports(config)) && !(this.#fallBack() && (await this.#supports(config)))) {
        throw new DecodeError('UnsupportedCodec', `the decoder here does not take ${config.codec}`);
      }
      this.#close();
      this.#config = config;
      this.#open();
    }
    this.#track = track;
  }

  async #supports(config: AudioDecoderSettings): Promise<boolean> {
    const { AudioDecoder } = this.#codecs;
    const support = await AudioDecoder.isConfigSupported?.(config).catch(() => ({ supported: false }));
    return support?.supported !== false;
  }

  #open(): void {
    if (this.#config === undefined || (this.#decoder !== undefined && this.#decoder.state === 'configured')) return;
    const { AudioDecoder } = this.#codecs;
    const decoder = new AudioDecoder({
      output: (data) => this.#output(data, decoder),
      error: (error) => {
        if (decoder !== this.#decoder) return;
        this.#error ??= error;
        this.#change.notify();
      },
    });
    decoder.ondequeue = () => this.#change.notify();
    this.#decoder = decoder;
    this.#hasGiven = false;
    try {
      decoder.configure(this.#config);
    } catch (error) {
      this.#error ??= error instanceof Error ? error : new Error(String(error));
    }
  }

  #output(data: AudioDataLike, decoder: DecoderLike<AudioDecoderSettings>): void {
    try {
      if (decoder !== this.#decoder) return;
      // Some libraries decode FLAC on several threads and mix up the times; each of its frames gives its own samples, in order.
      const index = this.#config?.codec === 'flac' ? 0 : this.#indexOf(data.timestamp);
      const pending = this.#pending[index];
      if (pending === undefined) return;
      const before = this.#pending.splice(0, index + 1).slice(0, -1);
      // The first frames of some codecs give nothing by themselves.
      if (this.#hasGiven) this.#leave(before);
      this.#hasGiven = true;
      this.#hasEverGiven = true;
      if (data.numberOfFrames > 0) this.#listener.onSound(soundOf(data), pending);
    } catch (error) {
      this.#error ??= error instanceof Error ? error : new Error(String(error));
    } finally {
      data.close();
      this.#change.notify();
    }
  }

  /** Which of the pending frames is nearest to a time. */
  #indexOf(time: number): number {
    let found = -1;
    let least = Number.POSITIVE_INFINITY;
    this.#pending.forEach((pending, index) => {
      const distance = Math.abs(pending.time - time);
      if (distance < least) [least, found] = [distance, index];
    });
    return found;
  }

  #leave(frames: readonly Pending[]): void {
    if (frames.length > 0) this.#listener.onBroken(frames, 'the decoder gives no sound');
  }
}

/**
 * What the decoder of a track is configured with.
 *
 * @throws DecodeError `UnsupportedCodec`
 */
function settingsOf(track: TrackMetadata): AudioDecoderSettings {
  const config = track.toAudioDecoderConfig();
  if (config === undefined || track.contentEncoding.storage !== 'plain') {
    const { storage } = track.contentEncoding;
    const what = storage === 'plain' ? `the codec ${JSON.stringify(track.codecId)}` : `frames stored ${storage}`;
    throw new DecodeError('UnsupportedCodec', `nothing here decodes ${what}`);
  }
  const { description } = config;
  if (config.codec !== 'opus') return config;
  if (description === undefined || description.length < 12) return { ...config, sampleRate: OPUS_RATE };
  // Some decoders take the pre-skip away and some do not. With none, all leave it to whoever counts the samples.
  const head = description.slice();
  head.fill(0, 10, 12);
  return { ...config, sampleRate: OPUS_RATE, description: head };
}

function sameSettings(a: AudioDecoderSettings, b: AudioDecoderSettings): boolean {
  const { description: x = NO_BYTES } = a;
  const { description: y = NO_BYTES } = b;
  return (
    a.codec === b.codec && a.sampleRate === b.sampleRate && a.numberOfChannels === b.numberOfChannels && sameBytes(x, y)
  );
}

const NO_BYTES = new Uint8Array(0);
