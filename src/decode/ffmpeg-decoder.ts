import { writeElement, writeHeader, writeMaster } from '../ebml/writer.js';
import type { AudioDecoderSettings, VideoDecoderSettings } from '../mkv/decoder-config.js';
import { Mkv } from '../mkv/elements.js';
import { StreamingMkvReader } from '../mkv/reader.js';
import type { TrackMetadata } from '../mkv/track.js';
import { FragmentMetadataVisitor } from '../visitors/fragment-metadata-visitor.js';
import { FfmpegProcess } from './ffmpeg-process.js';
import type {
  AudioDataLike,
  DecoderCallbacks,
  DecoderLike,
  EncodedChunkInit,
  EncodedChunkLike,
  PlaneLayoutLike,
  VideoFrameLike,
} from './webcodecs.js';

/** An encoded frame for ffmpeg. */
export class FfmpegChunk implements EncodedChunkLike {
  readonly type: 'key' | 'delta';
  readonly timestamp: number;
  readonly data: Uint8Array;

  constructor({ type, timestamp, data }: EncodedChunkInit) {
    this.type = type;
    this.timestamp = timestamp;
    this.data = data;
  }
}

/** Times count from here, in microseconds, so that none is negative. */
const BEGIN = 10_000_000;
/** Times of the output are rounded to milliseconds. */
const ROUNDING = 1000;
/** So many chunks may be in the process, with nothing come of them: more than any codec reorders and any number of threads holds. */
const MOST_INSIDE = 64;
/** After so long without output, in milliseconds, what is in the process is not waited for: it may all be damaged. */
const PATIENCE_MS = 900;

/**
 * A decoder with the interface of WebCodecs that is an ffmpeg process: it is given a Matroska document with the frames, and gives one
 * with raw pictures or samples.
 */
abstract class FfmpegDecoder<C, O> implements DecoderLike<C> {
  readonly #callbacks: DecoderCallbacks<O>;
  #state: 'unconfigured' | 'configured' | 'closed' = 'unconfigured';
  #config: C | undefined;
  #process: FfmpegProcess | undefined;
  #isBehind = false;
  /** Of the chunks that have been given and of which nothing has come, by their times in the document. */
  #times: number[] = [];
  #first = 0;
  #lastOutput = 0;
  ondequeue: ((event: Event) => unknown) | null = null;

  constructor(callbacks: DecoderCallbacks<O>) {
    this.#callbacks = callbacks;
  }

  get state(): 'unconfigured' | 'configured' | 'closed' {
    return this.#state;
  }

  /** The chunks that are in the process, as far as they are more than it may hold. */
  get decodeQueueSize(): number {
    const inside = this.#times.length;
    if (this.#isBehind) return inside;
    return Date.now() - this.#lastOutput < PATIENCE_MS ? Math.max(0, inside - MOST_INSIDE) : 0;
  }

  configure(config: C): void {
    if (this.#state === 'closed') throw closedError();
    this.#stop();
    this.#config = config;
    this.#state = 'configured';
  }

  decode(chunk: EncodedChunkLike): void {
    if (this.#state !== 'configured' || this.#config === undefined) throw closedError();
    if (!(chunk instanceof FfmpegChunk)) throw new TypeError('chunks of another decoder');
    this.#process ??= this.#start(this.#config, chunk.timestamp);
    const time = Math.max(0, chunk.timestamp - this.#first + BEGIN);
    this.#times.push(time);
    const flags = chunk.type === 'key' ? 0x80 : 0;
    const head = Uint8Array.of(0x81, 0, 0, flags);
    const block = writeHeader(Mkv.SimpleBlock, head.length + chunk.data.length);
    const timestamp = writeElement(Mkv.Timestamp, time);
    const cluster = writeHeader(Mkv.Cluster, timestamp.length + block.length + head.length + chunk.data.length);
    for (const part of [cluster, timestamp, block, head]) this.#process.write(part);
    this.#isBehind = !this.#process.write(chunk.data);
  }

  async flush(): Promise<void> {
    if (this.#state === 'closed') throw closedError();
    const process = this.#process;
    if (process === undefined) return;
    process.end();
    await process.done;
    if (this.#process !== process) throw closedError();
    this.#process = undefined;
    this.#times = [];
    this.#dequeue();
  }

  close(): void {
    this.#state = 'closed';
    this.#stop();
  }

  protected abstract codec(config: C): FfmpegCodec;
  protected abstract readonly inputOptions: readonly string[];
  protected abstract readonly outputOptions: readonly string[];
  /** What a frame of the output is. */
  protected abstract output(data: Uint8Array, timestamp: number, track: TrackMetadata, config: C): O;

  #stop(): void {
    this.#process?.kill();
    this.#process = undefined;
    this.#times = [];
    this.#isBehind = false;
  }

  #start(config: C, first: number): FfmpegProcess {
    const { codecId, codecPrivate, type, settings } = this.codec(config);
    this.#first = first;
    this.#times = [];
    this.#lastOutput = Date.now();
    const frames = new RawFrames((data, time, track) => {
      if (this.#process === process) this.#output(this.output(data, this.#timeOf(time), track, config));
    });
    // No `nobuffer`: with it, ffmpeg throws away what it has looked at to know the codec.
    const args = [
      ...this.inputOptions,
      ...['-probesize', '32', '-analyzeduration', '0', '-f', 'matroska', '-i', 'pipe:0'],
      ...['-map', '0:0', '-copyts', ...this.outputOptions, '-flush_packets', '1', '-f', 'matroska', 'pipe:1'],
    ];
    const process: FfmpegProcess = new FfmpegProcess(args, {
      onData: (bytes) => {
        if (this.#process !== process) return;
        try {
          frames.push(bytes);
        } catch (error) {
          this.#fail(process, error);
        }
      },
      onDrain: () => {
        if (this.#process === process) this.#dequeue();
      },
    });
    process.done.catch((error: unknown) => this.#fail(process, error));
    const entry = [
      writeElement(Mkv.TrackNumber, 1),
      writeElement(Mkv.TrackUID, 1),
      writeElement(Mkv.TrackType, type === 'video' ? 1 : 2),
      writeElement(Mkv.CodecID, codecId),
      ...(codecPrivate === undefined ? [] : [writeElement(Mkv.CodecPrivate, codecPrivate)]),
      settings,
    ];
    process.write(
      writeMaster(Mkv.EBML, [
        writeElement(Mkv.DocType, 'matroska'),
        writeElement(Mkv.DocTypeVersion, 4),
        writeElement(Mkv.DocTypeReadVersion, 2),
      ]),
    );
    process.write(writeHeader(Mkv.Segment, undefined));
    process.write(
      writeMaster(Mkv.Info, [
        writeElement(Mkv.TimestampScale, 1000),
        writeElement(Mkv.MuxingApp, ''),
        writeElement(Mkv.WritingApp, ''),
      ]),
    );
    process.write(writeMaster(Mkv.Tracks, [writeMaster(Mkv.TrackEntry, entry)]));
    return process;
  }

  #output(output: O): void {
    this.#lastOutput = Date.now();
    this.#callbacks.output(output);
    if (!this.#isBehind) this.ondequeue?.(new Event('dequeue'));
  }

  /** The time of the chunk that an output is of. Outputs come in the order of time: of earlier chunks nothing comes any more. */
  #timeOf(time: number): number {
    let found = time;
    let least = ROUNDING + 1;
    for (const each of this.#times) {
      const distance = Math.abs(each - time);
      if (distance >= least) continue;
      found = each;
      least = distance;
    }
    this.#times = this.#times.filter((each) => each > found);
    return found - BEGIN + this.#first;
  }

  #dequeue(): void {
    this.#isBehind = false;
    this.ondequeue?.(new Event('dequeue'));
  }

  #fail(process: FfmpegProcess, error: unknown): void {
    if (this.#process !== process) return;
    this.#state = 'closed';
    this.#stop();
    this.#callbacks.error(error instanceof Error ? error : new Error(String(error)));
  }
}

/** Takes the Matroska document that ffmpeg writes apart. */
class RawFrames {
  readonly #metadata = new FragmentMetadataVisitor();
  readonly #reader = new StreamingMkvReader();
  readonly #onFrame: (data: Uint8Array, time: number, track: TrackMetadata) => void;
  #timestamp = 0;
  #scale = 1_000_000;

  /** @param onFrame is given the bytes, the time in microseconds, and the track */
  constructor(onFrame: (data: Uint8Array, time: number, track: TrackMetadata) => void) {
    this.#onFrame = onFrame;
  }

  push(bytes: Uint8Array): void {
    const reader = this.#reader;
    reader.push(bytes);
    for (let element = reader.nextIfAvailable(); element !== undefined; element = reader.nextIfAvailable()) {
      void element.accept(this.#metadata);
      if (element.kind !== 'data') continue;
      if (element.is(Mkv.TimestampScale)) this.#scale = element.value;
      else if (element.is(Mkv.Timestamp)) this.#timestamp = element.value;
      else if (element.is(Mkv.SimpleBlock) || element.is(Mkv.Block)) {
        const block = element.value;
        const track = this.#metadata.getTrackMetadata(block.trackNumber);
        const time = ((this.#timestamp + block.relativeTimestamp) * this.#scale) / 1000;
        if (track !== undefined) this.#onFrame(block.frame(0), time, track);
      }
    }
  }
}

interface FfmpegCodec {
  readonly codecId: string;
  readonly codecPrivate: Uint8Array | undefined;
  readonly type: 'video' | 'audio';
  /** The Video or Audio element. */
  readonly settings: Uint8Array;
}

const CODEC_IDS: readonly (readonly [RegExp, string])[] = [
  [/^avc[13]\./, 'V_MPEG4/ISO/AVC'],
  [/^(hvc|hev)1\./, 'V_MPEGH/ISO/HEVC'],
  [/^vp8/, 'V_VP8'],
  [/^vp09\./, 'V_VP9'],
  [/^av01\./, 'V_AV1'],
  [/^mp4a\.40\./, 'A_AAC'],
  [/^opus/, 'A_OPUS'],
  [/^vorbis/, 'A_VORBIS'],
  [/^flac/, 'A_FLAC'],
  [/^mp3/, 'A_MPEG/L3'],
  [/^ac-3/, 'A_AC3'],
  [/^ec-3/, 'A_EAC3'],
];

function codecIdOf(codec: string): string {
  const found = CODEC_IDS.find(([pattern]) => pattern.test(codec));
  if (found === undefined) throw new TypeError(`ffmpeg is not asked to decode ${codec}`);
  return found[1];
}

async function isSupported({ codec }: { readonly codec: string }): Promise<{ readonly supported: boolean }> {
  return { supported: CODEC_IDS.some(([pattern]) => pattern.test(codec)) };
}

function closedError(): Error {
  return Object.assign(new Error('the decoder is closed or not configured'), { name: 'InvalidStateError' });
}

/** A `VideoDecoder` that is an ffmpeg process. Its pictures have the format `RGBA`. */
export class FfmpegVideoDecoder extends FfmpegDecoder<VideoDecoderSettings, VideoFrameLike> {
  static readonly isConfigSupported: (config: VideoDecoderSettings) => Promise<{ readonly supported: boolean }> =
    isSupported;
  // A picture that is damaged ends it: ffmpeg would make something up.
  protected readonly inputOptions = ['-xerror'];
  protected readonly outputOptions = ['-fps_mode', 'passthrough', '-c:v', 'rawvideo', '-pix_fmt', 'rgba'];

  protected codec({ codec, description, codedWidth = 16, codedHeight = 16 }: VideoDecoderSettings): FfmpegCodec {
    const size = [writeElement(Mkv.PixelWidth, codedWidth), writeElement(Mkv.PixelHeight, codedHeight)];
    const settings = writeMaster(Mkv.Video, size);
    return { codecId: codecIdOf(codec), codecPrivate: description, type: 'video', settings };
  }

  protected output(data: Uint8Array, timestamp: number, track: TrackMetadata, config: VideoDecoderSettings) {
    const { pixelWidth = 0, pixelHeight = 0 } = track.video ?? {};
    return new RgbaFrame(data, timestamp, pixelWidth, pixelHeight, config);
  }
}

/** A picture in RGBA with the interface of a `VideoFrame`. */
class RgbaFrame implements VideoFrameLike {
  readonly format = 'RGBA';
  readonly timestamp: number;
  readonly duration = null;
  readonly codedWidth: number;
  readonly codedHeight: number;
  readonly displayWidth: number;
  readonly displayHeight: number;
  #data: Uint8Array | undefined;

  constructor(data: Uint8Array, timestamp: number, width: number, height: number, config: VideoDecoderSettings) {
    this.#data = data;
    this.timestamp = timestamp;
    this.codedWidth = width;
    this.codedHeight = height;
    const { displayAspectWidth, displayAspectHeight } = config;
    this.displayWidth =
      displayAspectWidth === undefined || displayAspectHeight === undefined
        ? width
        : Math.round((height * displayAspectWidth) / displayAspectHeight);
    this.displayHeight = height;
  }

  get visibleRect() {
    return { x: 0, y: 0, width: this.codedWidth, height: this.codedHeight };
  }

  allocationSize(): number {
    return this.codedWidth * this.codedHeight * 4;
  }

  async copyTo(destination: Uint8Array): Promise<PlaneLayoutLike[]> {
    if (this.#data === undefined) throw closedError();
    destination.set(this.#data);
    return [{ offset: 0, stride: this.codedWidth * 4 }];
  }

  close(): void {
    this.#data = undefined;
  }
}

/** An `AudioDecoder` that is an ffmpeg process. */
export class FfmpegAudioDecoder extends FfmpegDecoder<AudioDecoderSettings, AudioDataLike> {
  static readonly isConfigSupported: (config: AudioDecoderSettings) => Promise<{ readonly supported: boolean }> =
    isSupported;
  // What is damaged gives no sound.
  protected readonly inputOptions = [];
  protected readonly outputOptions = ['-c:a', 'pcm_f32le'];

  protected codec({ codec, description, sampleRate, numberOfChannels }: AudioDecoderSettings): FfmpegCodec {
    const values = [writeElement(Mkv.SamplingFrequency, sampleRate), writeElement(Mkv.Channels, numberOfChannels)];
    const settings = writeMaster(Mkv.Audio, values);
    return { codecId: codecIdOf(codec), codecPrivate: description, type: 'audio', settings };
  }

  protected output(data: Uint8Array, timestamp: number, track: TrackMetadata) {
    const { samplingFrequency = 0, channels = 1 } = track.audio ?? {};
    return new InterleavedAudio(data, timestamp, samplingFrequency, channels);
  }
}

/** Interleaved 32-bit samples with the interface of an `AudioData`. */
class InterleavedAudio implements AudioDataLike {
  readonly format = 'f32';
  readonly timestamp: number;
  readonly sampleRate: number;
  readonly numberOfChannels: number;
  readonly numberOfFrames: number;
  #data: Uint8Array | undefined;

  constructor(data: Uint8Array, timestamp: number, sampleRate: number, channels: number) {
    this.#data = data;
    this.timestamp = timestamp;
    this.sampleRate = sampleRate;
    this.numberOfChannels = channels;
    this.numberOfFrames = Math.floor(data.length / (4 * channels));
  }

  allocationSize(): number {
    return this.numberOfFrames * this.numberOfChannels * 4;
  }

  copyTo(destination: Uint8Array): void {
    const data = this.#data;
    if (data === undefined) throw closedError();
    destination.set(data.subarray(0, this.allocationSize()));
  }

  close(): void {
    this.#data = undefined;
  }
}
