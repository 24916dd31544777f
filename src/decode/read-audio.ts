import type { Fragment } from '../fragments/fragment.js';
import type { TrackMetadata } from '../mkv/track.js';
import type { FragmentMetadata } from '../visitors/fragment-metadata.js';
import type { Frame } from '../visitors/frame.js';
import { type AbortWatch, watchAbort } from './abort-watch.js';
import { AudioEpochs } from './audio-epochs.js';
import { AudioMixer, type MixedAudio } from './audio-mixer.js';
import { type AudioPiece, AudioTrack } from './audio-track.js';
import { Change } from './change.js';
import { type CodecChoice, type Codecs, fallbackCodecs, loadCodecs } from './codecs.js';
import { DecodeError, type MediaProblem } from './decode-error.js';
import { MediaFrames, type MediaReadOptions, type MediaSource } from './media-frames.js';
import { type CreateResampler, loadResampler } from './resampler.js';
import { toInt16 } from './sample-format.js';

/** `'s16'`: integers of 16 bits with a sign. `'f32'`: 32-bit floating point, where 1 is full scale. */
export type SampleFormat = 's16' | 'f32';

/** Which track: its number or its name. */
export type TrackChoice = number | string;

/** Options of {@link readAudio}. */
export interface ReadAudioOptions<F extends SampleFormat = SampleFormat> extends MediaReadOptions {
  /**
   * The track, or several: their channels become the channels of the output, in this order. Default: the first audio track that has
   * frames.
   */
  readonly track?: TrackChoice | readonly TrackChoice[] | undefined;
  /** The format of the samples. Default `'s16'`. */
  readonly format?: F | undefined;
  /** Samples of a channel per second, 1 to 768,000. Default: that of the first sound. Other sound is resampled, see `resampler`. */
  readonly sampleRate?: number | undefined;
  /**
   * The number of channels of each track. One channel is copied to all; all channels are averaged to one; otherwise the first ones are
   * kept. Default: as many as the track begins with.
   */
  readonly channels?: number | undefined;
  /**
   * What to give where nothing was recorded: silence of that length (`'silence'`, default), or nothing (`'report'`). `onProblem` receives
   * both.
   */
  readonly gaps?: 'silence' | 'report' | undefined;
  /** A gap longer than this, in microseconds, is not filled: the sound continues behind it at once. Default an hour. */
  readonly maxSilence?: number | undefined;
  /**
   * The name of a tag, such as `ContactId` of Amazon Connect. The sound ends before the first fragment in which the value of the tag has
   * changed. The sound then comes one fragment at a time.
   */
  readonly endOn?: string | undefined;
  /** The decoder. Default: WebCodecs where it is available, else ffmpeg. G.711 and PCM need none. */
  readonly codecs?: CodecChoice | undefined;
  /**
   * Converts the sampling rate if needed: `create` of `@alexanderolsen/libsamplerate-js`. Default in Node: that of the package, if it is
   * installed.
   */
  readonly resampler?: CreateResampler | undefined;
  /** Receives problems: damage, times at which nothing was recorded, and places where the times of the stream begin again. */
  readonly onProblem?: ((problem: MediaProblem) => void) | undefined;
}

/** The array that samples of a format are in. */
export type SamplesOf<F extends SampleFormat> = F extends 'f32' ? Float32Array : Int16Array;

/** Decoded sound: some milliseconds of it. */
export interface AudioSamples<F extends SampleFormat = SampleFormat> {
  /** When the samples begin, in microseconds of the stream. It is counted by samples, so it does not jitter. */
  readonly timestamp: number;
  /** The same by the producer's clock, to the nearest millisecond; `undefined` where the fragment has no such time. */
  readonly producerTimestamp: Date | undefined;
  /** The fragment in which the samples begin; for silence, the fragment before. */
  readonly fragment: FragmentMetadata | undefined;
  /** The tracks of the samples, in the order in which they were asked for, those that have had frames. */
  readonly tracks: readonly TrackMetadata[];
  /** Samples of a channel per second. */
  readonly sampleRate: number;
  /** How many channels the samples have: those of all tracks together. */
  readonly numberOfChannels: number;
  /** Samples of each channel. */
  readonly numberOfFrames: number;
  /** The samples, the channels in turn. The caller owns them. */
  readonly data: SamplesOf<F>;
  /** Whether nothing was recorded at this time: all samples are 0. */
  readonly isSilence: boolean;
}

/**
 * Reads the sound of a track, or of several tracks as channels. The decoder's delay is removed if the stream states it. Samples follow each
 * other without holes, even if the times of the frames jitter; where frames are missing, there is silence.
 *
 * ```ts
 * for await (const { data, sampleRate } of readAudio(payload, { track: 'AUDIO_FROM_CUSTOMER' })) transcribe(data, sampleRate);
 * ```
 *
 * @param source a byte stream, or fragments: a consumer, `readFragments`, a list
 * @throws DecodeError `NoTrack`, at the end, when a requested track does not exist, or none of them has frames; `NoDecoder`,
 * `UnsupportedCodec`, `NoResampler`; `RangeError` when an option is out of range; `MkvParseError` when the bytes are wrong; whatever the
 * source throws; the signal's reason when it is aborted
 */
export async function* readAudio<F extends SampleFormat = 's16'>(
  source: MediaSource,
  options: ReadAudioOptions<F> = {},
): AsyncGenerator<AudioSamples<F>, undefined> {
  const reading = new AudioReading(source, options);
  const convert = samplesMaker(options.format);
  try {
    for (;;) {
      const mixed = reading.take();
      for (const each of mixed) yield { ...reading.describe(each), data: convert(each.samples) };
      if (reading.ended) return undefined;
      await reading.advance();
    }
  } finally {
    reading.close();
  }
}

function samplesMaker<F extends SampleFormat>(format: F | undefined): (samples: Float32Array) => SamplesOf<F> {
  return format === 'f32'
    ? (samples) => samples as SamplesOf<F>
    : (samples) => toInt16(samples) as Int16Array as SamplesOf<F>;
}

const HOUR = 3_600_000_000;

/** The state of one loop over sound. */
class AudioReading {
  readonly #options: ReadAudioOptions;
  readonly #media: MediaFrames;
  readonly #abort: AbortWatch;
  readonly #change = new Change();
  readonly #epochs: AudioEpochs;
  readonly #tracks: AudioTrack[];
  readonly #wanted: readonly (TrackChoice | undefined)[];
  /** Which of them a track of the stream is, by its number. */
  readonly #places = new Map<number, number>();
  #codecs: Promise<Codecs> | undefined;
  #rate: number | undefined;
  #mixer: AudioMixer | undefined;
  #frame: Promise<Frame | undefined> | undefined;
  #tag: string | undefined;
  ended = false;

  constructor(source: MediaSource, options: ReadAudioOptions) {
    const { track, sampleRate, channels, maxSilence = HOUR, endOn } = options;
    expectWhole('sampleRate', sampleRate, 768_000);
    expectWhole('channels', channels, 32);
    if (!(maxSilence >= 0)) throw new RangeError(`maxSilence must be 0 or more microseconds, not ${maxSilence}`);
    this.#options = options;
    this.#wanted = typeof track === 'object' ? track : [track];
    if (this.#wanted.length === 0) throw new RangeError('track must name one track at least');
    this.#epochs = new AudioEpochs(maxSilence);
    this.#tracks = this.#wanted.map((_, index) => this.#newTrack(index));
    const goesOn = endOn === undefined ? undefined : (fragment: Fragment) => this.#goesOn(fragment, endOn);
    this.#media = new MediaFrames(source, options, () => {}, goesOn);
    this.#abort = watchAbort(options.signal);
  }

  /** What is ready. */
  take(): Iterable<MixedAudio> {
    return this.#mixer?.take(this.ended) ?? [];
  }

  /** What there is to say of it. */
  describe({ position, piece, length, isSilence }: MixedAudio): Omit<AudioSamples, 'data'> {
    const sampleRate = this.#rate ?? 0;
    const timestamp = this.#epochs.toStream(piece.epoch, (position * 1e6) / sampleRate);
    const { fragment } = piece.frame;
    const { producerTimestamp: begin, clusterTimestamp: first } = fragment ?? {};
    const producerTimestamp =
      begin === undefined || first === undefined
        ? undefined
        : new Date(begin.getTime() + Math.round((timestamp - first) / 1000));
    return {
      timestamp,
      producerTimestamp,
      fragment,
      tracks: this.#tracks.flatMap(({ metadata }) => metadata ?? []),
      sampleRate,
      numberOfChannels: this.#mixer?.numberOfChannels ?? 0,
      numberOfFrames: length,
      isSilence,
    };
  }

  /** Goes on: reads a frame, or waits for a decoder. */
  async advance(): Promise<void> {
    this.#abort.check();
    const failed = this.#tracks.find(({ hasFailed }) => hasFailed);
    if (failed !== undefined) await this.#abort.race(failed.mend());
    else if (!this.#tracks.every(({ hasRoom }) => hasRoom)) await this.#abort.race(this.#change.wait());
    else await this.#read();
    if (!this.ended) for (const track of this.#tracks) await track.advance(false);
  }

  close(): void {
    this.#abort.end();
    for (const track of this.#tracks) track.close();
    this.#change.notify();
    this.#frame?.catch(() => {});
    this.#media.close();
  }

  async #read(): Promise<void> {
    this.#frame ??= this.#media.next();
    const frame = this.#frame.then((value) => ({ value }));
    const isBusy = this.#tracks.some((track) => track.isBusy);
    const first = isBusy ? Promise.race([frame, this.#change.wait()]) : frame;
    const result = await this.#abort.race(first);
    if (result === undefined) return;
    this.#frame = undefined;
    if (result.value !== undefined) await this.#take(result.value);
    else await this.#finish();
  }

  async #take(frame: Frame): Promise<void> {
    const place = this.#placeOf(frame.track);
    if (place === undefined) return;
    const { epoch, isNew } = this.#epochs.enter(frame);
    if (isNew) await this.#restart(frame);
    await this.#abort.race(this.#tracks[place]?.feed({ frame, epoch }) ?? Promise.resolve());
  }

  /** The times of the stream begin again: all sound before has to be there, so that it is known where the next is to be laid. */
  async #restart({ timestamp }: Frame): Promise<void> {
    for (const track of this.#tracks) await this.#abort.race(track.flush());
    const message = 'the times of the stream do not go on from here; its sound does';
    this.#options.onProblem?.({ code: 'NO_MEDIA', from: timestamp, to: timestamp, message });
  }

  async #finish(): Promise<void> {
    for (const track of this.#tracks) await this.#abort.race(track.finish());
    this.ended = true;
    this.#wanted.forEach((wanted, index) => {
      if (wanted === undefined || this.#tracks[index]?.metadata !== undefined) return;
      // One that is described and silent costs the others nothing.
      const others = this.#tracks.some(({ metadata }) => metadata !== undefined);
      if (others && this.#media.described.has(wanted)) return;
      throw new DecodeError('NoTrack', `there are no frames of audio in track ${JSON.stringify(wanted)}`);
    });
  }

  #placeOf({ number, name, type }: TrackMetadata): number | undefined {
    if (type !== 'audio') return undefined;
    const known = this.#places.get(number);
    if (known !== undefined) return known;
    const taken = new Set(this.#places.values());
    const place = this.#wanted.findIndex(
      (wanted, index) => !taken.has(index) && (wanted === undefined || wanted === number || wanted === name),
    );
    if (place < 0) return undefined;
    this.#places.set(number, place);
    return place;
  }

  #newTrack(index: number): AudioTrack {
    const { channels, codecs, resampler, onProblem = () => {} } = this.#options;
    const setup = {
      epochs: this.#epochs,
      change: this.#change,
      codecs: async () => {
        this.#codecs ??= loadCodecs(codecs);
        const loaded = await this.#codecs;
        return { codecs: loaded, fallback: fallbackCodecs(codecs, loaded) };
      },
      resampler: () => loadResampler(resampler),
      rate: (own: number) => {
        this.#rate ??= this.#options.sampleRate ?? own;
        return this.#rate;
      },
      channels,
      tell: onProblem,
      end: () => this.#tracks.reduce((end, track) => Math.max(end, track.end), 0),
    };
    return new AudioTrack(setup, (piece) => this.#put(index, piece));
  }

  #put(index: number, piece: AudioPiece): void {
    this.#mixer ??= new AudioMixer(this.#wanted.length, this.#rate ?? 1, this.#options.gaps !== 'report');
    this.#mixer.put(index, piece);
  }

  #goesOn({ tags }: Fragment, name: string): boolean {
    const value = tags.find((tag) => tag.name === name)?.value;
    this.#tag ??= value;
    return value === undefined || value === this.#tag;
  }
}

function expectWhole(name: string, value: number | undefined, most: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= 1 && value <= most)) return;
  throw new RangeError(`${name} must be a whole number of 1 to ${most}, not ${value}`);
}
