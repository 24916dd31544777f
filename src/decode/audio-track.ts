import { count } from '../ebml/plural.js';
import type { TrackMetadata } from '../mkv/track.js';
import { AudioClock } from '../visitors/audio-clock.js';
import type { Frame } from '../visitors/frame.js';
import { AudioFrameDecoder, type FedFrame } from './audio-decoder.js';
import type { AudioEpochs } from './audio-epochs.js';
import type { Change } from './change.js';
import type { Codecs } from './codecs.js';
import { DecodeError, type MediaProblem } from './decode-error.js';
import { rawAudioOf, rawSound } from './raw-audio.js';
import { type CreateResampler, ResampledRun } from './resampler.js';
import { type Sound, withChannels } from './sound.js';

/** Sound of a track without holes. */
export interface AudioPiece {
  /** Where it begins, in samples of the output. */
  readonly position: number;
  /** The channels in turn. */
  readonly samples: Float32Array;
  readonly numberOfChannels: number;
  /** Samples of a channel. */
  readonly length: number;
  readonly frame: Frame;
  readonly epoch: number;
}

/** What a track is read with. */
export interface AudioTrackSetup {
  readonly epochs: AudioEpochs;
  readonly change: Change;
  /** The decoder, and what to try where it does not take the track. */
  readonly codecs: () => Promise<{ readonly codecs: Codecs; readonly fallback: Codecs | undefined }>;
  readonly resampler: () => Promise<CreateResampler>;
  /** Samples per second of the output; that of the first sound where none is asked for. */
  readonly rate: (own: number) => number;
  /** How many channels are wanted; `undefined`: as many as the track begins with. */
  readonly channels: number | undefined;
  readonly tell: (problem: MediaProblem) => void;
  /** Where, in microseconds of the output, the sound of all tracks ends by now. */
  readonly end: () => number;
}

/** Sound of a frame, to be laid where it belongs. */
interface Waiting extends FedFrame {
  readonly sound: Sound;
}

/** In samples: such holes and overlaps are made by following the stream's clock, and closed without anyone hearing it. */
const SEAM = 4;
/** In microseconds: what is lost beside frames that give no sound is told of with them. */
const BESIDE_BROKEN = 50_000;
const MOST_BROKEN = 100;
const LARGEST_RATE = 768_000;
const MOST_CHANNELS = 32;

/** One track: its frames become pieces of sound, each where it belongs on the line of the output. */
export class AudioTrack {
  readonly #setup: AudioTrackSetup;
  readonly #put: (piece: AudioPiece) => void;
  #decoder: AudioFrameDecoder | undefined;
  #waiting: Waiting[] = [];
  #rate = 0;
  #clock: AudioClock | undefined;
  #channels: number | undefined;
  /** Where the sound so far ends, in samples at the track's rate; `undefined` before the first. */
  #next: number | undefined;
  /** Samples that are still to be taken away at the beginning: what the encoder put there. */
  #delay: number | undefined;
  #run: ResampledRun | undefined;
  /** What that run has been given last. */
  #last: FedFrame | undefined;
  #lastSample: Float32Array | undefined;
  /** What has been told to give no sound, in microseconds of the stream, the last ones. */
  #broken: { readonly epoch: number; readonly from: number; readonly to: number }[] = [];
  /** The track as it was last. */
  metadata: TrackMetadata | undefined;

  constructor(setup: AudioTrackSetup, put: (piece: AudioPiece) => void) {
    this.#setup = setup;
    this.#put = put;
  }

  get hasRoom(): boolean {
    return this.#decoder?.hasRoom ?? true;
  }

  get isBusy(): boolean {
    return this.#decoder?.isBusy ?? false;
  }

  get hasFailed(): boolean {
    return this.#decoder?.hasFailed ?? false;
  }

  /** Where the sound so far ends, in microseconds of the output. */
  get end(): number {
    return this.#next === undefined ? 0 : (this.#next * 1e6) / this.#rate;
  }

  async mend(): Promise<void> {
    await this.#decoder?.mend();
  }

  /**
   * Takes the next frame. There has to be room.
   *
   * @throws DecodeError `NoDecoder`, `UnsupportedCodec`
   */
  async feed(fed: FedFrame): Promise<void> {
    const { frame } = fed;
    this.metadata = frame.track;
    const raw = frame.storage === 'plain' ? rawAudioOf(frame.track) : undefined;
    if (raw === undefined) {
      const { codecs, fallback } = await this.#setup.codecs();
      this.#decoder ??= new AudioFrameDecoder(
        codecs,
        fallback,
        {
          onSound: (sound, of) => this.#waiting.push({ ...of, sound }),
          onBroken: (frames, message, cause) => this.#tellBroken(frames, message, cause),
        },
        this.#setup.change,
      );
      await this.#decoder.feed(fed);
      return;
    }
    if (this.#decoder?.isBusy === true) await this.#decoder.flush();
    const sound = rawSound(frame.data, raw);
    if (sound.samples.length > 0) this.#waiting.push({ ...fed, sound });
  }

  /** Lays what has been decoded where it belongs; with `all`, without looking at what may come. */
  async advance(all: boolean): Promise<void> {
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      this.#begin(first);
      const ahead = this.#ahead(first);
      const times = ahead.map((each) => this.#timeOf(each));
      const lengths = ahead.map(({ sound }) => sound.samples.length / sound.numberOfChannels);
      const isCut = all || ahead.length < this.#waiting.length;
      if (!isCut && this.#clock?.needsMore(times, lengths) === true) return;
      this.#waiting.shift();
      const start = this.#clock?.timeFirst(times, lengths) ?? 0;
      await this.#lay(first, start);
    }
  }

  /** No more frames come: what is left is laid. */
  async flush(): Promise<void> {
    await this.#decoder?.flush();
    await this.advance(true);
  }

  /** The sound ends here. */
  async finish(): Promise<void> {
    await this.flush();
    this.#endRun();
  }

  close(): void {
    this.#decoder?.close();
    this.#run?.destroy();
    this.#run = undefined;
    this.#waiting = [];
  }

  /** Sets the clock for a piece of sound. */
  #begin({ sound, epoch, frame }: Waiting): void {
    const { epochs, end } = this.#setup;
    const { sampleRate, numberOfChannels } = sound;
    if (!(sampleRate >= 1 && sampleRate <= LARGEST_RATE) || numberOfChannels > MOST_CHANNELS) {
      const what = `${count(numberOfChannels, 'channel')} of ${sampleRate} samples per second`;
      throw new DecodeError('UnsupportedCodec', `${what} in track ${frame.track.number}: nothing takes them`);
    }
    if (sampleRate !== this.#rate) {
      this.#endRun();
      if (this.#next !== undefined) this.#next = Math.round((this.#next * sampleRate) / this.#rate);
      this.#rate = sampleRate;
      this.#clock = new AudioClock(sampleRate);
    }
    if (!epochs.isPlaced(epoch)) epochs.place(epoch, end());
    this.#channels ??= this.#setup.channels ?? numberOfChannels;
  }

  /** What is looked at to time the first that waits: what goes on from there. */
  #ahead({ epoch, sound }: Waiting): Waiting[] {
    const other = this.#waiting.findIndex((each) => each.epoch !== epoch || each.sound.sampleRate !== sound.sampleRate);
    return this.#waiting.slice(0, Math.min(MOST_LOOKED_AT, other < 0 ? this.#waiting.length : other));
  }

  /** In samples at the track's rate. What the encoder put in front is played before the frame's time. */
  #timeOf({ frame, epoch }: Waiting): number {
    const time = this.#setup.epochs.toOutput(epoch, frame.timestamp) - encoderDelay(frame.track);
    return (time * this.#rate) / 1e6;
  }

  async #lay(waiting: Waiting, start: number): Promise<void> {
    const { frame } = waiting;
    const { samples, numberOfChannels } = withChannels(waiting.sound, this.#channels ?? 1);
    let [from, to] = [0, samples.length / numberOfChannels];
    this.#delay ??= Math.round((encoderDelay(frame.track) * this.#rate) / 1e6);
    const cut = Math.min(this.#delay, to);
    this.#delay -= cut;
    from += cut;
    const padding = Math.round(((frame.discardPadding ?? 0) * this.#rate) / 1e6);
    if (padding > 0) to = Math.max(from, to - padding);
    else from = Math.min(to, from - padding);
    const next = this.#next;
    // Times that overlap what there is already are not gone back for.
    if (next !== undefined) from = Math.max(from, Math.min(to, next - start));
    if (from >= to) return;
    const part = samples.subarray(from * numberOfChannels, to * numberOfChannels);
    const position = start + from;
    const hole = next === undefined ? 0 : position - next;
    if (hole > SEAM) this.#tellHole(waiting, next ?? 0, position);
    const seam = hole > 0 && hole <= SEAM ? this.#seam(hole, part, numberOfChannels) : part;
    await this.#give(hole > 0 && hole <= SEAM ? position - hole : position, seam, waiting);
    this.#next = start + to;
    this.#lastSample = part.slice(-numberOfChannels);
  }

  #seam(hole: number, part: Float32Array, channels: number): Float32Array {
    const result = new Float32Array(part.length + hole * channels);
    for (let i = 0; i < hole; i++) result.set(this.#lastSample ?? part.subarray(0, channels), i * channels);
    result.set(part, hole * channels);
    return result;
  }

  async #give(position: number, samples: Float32Array, { frame, epoch }: Waiting): Promise<void> {
    const channels = this.#channels ?? 1;
    const rate = this.#setup.rate(this.#rate);
    const put = (at: number, piece: Float32Array) => {
      const length = piece.length / channels;
      if (length > 0) this.#put({ position: at, samples: piece, numberOfChannels: channels, length, frame, epoch });
    };
    if (rate === this.#rate) {
      put(position, samples);
      return;
    }
    if (this.#run !== undefined && this.#run.end !== position) this.#endRun();
    this.#run ??= await ResampledRun.begin(await this.#setup.resampler(), channels, this.#rate, rate, position);
    this.#last = { frame, epoch };
    let at = this.#run.outputEnd;
    for (const piece of this.#run.push(samples)) {
      put(at, piece);
      at += piece.length / channels;
    }
  }

  #endRun(): void {
    const run = this.#run;
    this.#run = undefined;
    const last = this.#last;
    if (run === undefined || last === undefined) return;
    const channels = this.#channels ?? 1;
    let at = run.outputEnd;
    for (const samples of run.finish()) {
      const length = samples.length / channels;
      this.#put({ ...last, position: at, samples, numberOfChannels: channels, length });
      at += length;
    }
  }

  #tellHole({ epoch, frame }: Waiting, from: number, to: number): void {
    const { epochs, tell } = this.#setup;
    const time = (position: number) => epochs.toStream(epoch, (position * 1e6) / this.#rate);
    let [begin, end] = [time(from), time(to)];
    // What frames leave that give no sound has been told.
    for (const broken of this.#broken) {
      if (broken.epoch !== epoch || broken.to <= begin || broken.from >= end) continue;
      if (broken.from - begin <= BESIDE_BROKEN) begin = broken.to;
      else if (end - broken.to <= BESIDE_BROKEN) end = broken.from;
    }
    this.#broken = this.#broken.filter((broken) => broken.epoch !== epoch || broken.from >= end);
    if (end - begin <= (begin === time(from) && end === time(to) ? 0 : BESIDE_BROKEN)) return;
    const message = `nothing was recorded in track ${frame.track.number}`;
    tell({ code: 'NO_MEDIA', from: begin, to: end, message });
  }

  #tellBroken(frames: readonly FedFrame[], message: string, cause: unknown): void {
    const first = frames[0]?.frame;
    const last = frames.at(-1)?.frame;
    if (first === undefined || last === undefined) return;
    const to = last.timestamp + (last.duration ?? 0);
    this.#broken.push({ epoch: frames[0]?.epoch ?? 0, from: first.timestamp, to });
    if (this.#broken.length > MOST_BROKEN) this.#broken.shift();
    this.#setup.tell({ code: 'MEDIA_ERROR', from: first.timestamp, to, message, cause });
  }
}

/** So many frames are looked at to tell where one of them belongs. */
const MOST_LOOKED_AT = 32;

/** In microseconds: what the encoder put before the sound that is meant. */
function encoderDelay({ codecDelay, format, codecPrivate }: TrackMetadata): number {
  if (codecDelay > 0 || format.codec !== 'opus' || codecPrivate === undefined || codecPrivate.length < 12)
    return codecDelay;
  // Pre-skip of the OpusHead, in samples of 48 kHz (RFC 7845 section 5.1).
  return ((codecPrivate[10]! + codecPrivate[11]! * 256) * 1000) / 48;
}
