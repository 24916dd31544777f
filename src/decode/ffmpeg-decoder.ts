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
  /** Of the chunks that have been given, by their times in the document. */
  #times: number[] = [];
  #first = 0;
  ondequeue: ((event: Event) => unknown) | null = null;

  constructor(callbacks: DecoderCallbacks<O>) {
    this.#callbacks = callbacks;
  }

  get state(): 'unconfigured' | 'configured' | 'closed' {
    return this.#state;
  }

  /** Nobody knows how many chunks lie in the process; that it takes no more counts as many. */
  get decodeQueueSize(): number {
    return this.#isBehind ? this.#times.length : 0;
  }

  configure(config: C): void {
    if (this.#state === 'closed') throw closedError();
    this.#process?.kill();
    this.#process = undefined;
    this.#config = config;
    this.#state = 'configured';
  }

  decode(chunk: EncodedChunkLike): void {
    if (this.#state !== 'configured' || this.#config === undefined) throw closedError();
    if (!(chunk instanceof FfmpegChunk)) throw new TypeError('chunks of another decoder');
    this.#process ??= this.#start(this.#config, chunk.timestamp);
    const time = chunk.timestamp - this.#first + BEGIN;
    this.#times.push(time);
    const flags = chunk.type === 'key' ? 0x80 : 0;
    const head = Uint8Array.of(0x81, 0, 0, flags);
    const block = writeHeader(Mkv.SimpleBlock, head.length + chunk.data.length);
    const timestamp = writeElement(Mkv.Timestamp, Math.max(0, time));
    const cluster = writeHeader(Mkv.Cluster, timestamp.length + block.length + head.length + chunk.data.length);
    for (const part of [cluster, timestamp, block, head]) this.#process.write(part);
    this.#isBehind = !this.#process.write(chunk.data);
  }

  async flush(): Promise<void> {
    if (this.#state === 'closed') throw closedError();
    const process = this.#process;
    this.#process = undefined;
    if (process === undefined) return;
    process.end();
    await process.done;
    this.#times = [];
    this.#dequeue();
  }

  close(): void {
    this.#state = 'closed';
    this.#process?.kill();
    this.#process = undefined;
  }

  protected abstract codec(config: C): FfmpegCodec;
  protected abstract readonly outputOptions: readonly string[];
  /** What a frame of the output is. */
  protected abstract output(data: Uint8Array, timestamp: number, track: TrackMetadata, config: C): O;

  #start(config: C, first: number): FfmpegProcess {
    this.#first = first;
    this.#times = [];
    const metadata = new FragmentMetadataVisitor();
    const reader = new StreamingMkvReader();
    let timestamp = 0;
    let scale = 1_000_000;
    const onData = (bytes: Uint8Array) => {
      if (this.#process !== process && this.#state === 'closed') return;
      reader.push(bytes);
      for (let element = reader.nextIfAvailable(); element !== undefined; element = reader.nextIfAvailable()) {
        void element.accept(metadata);
        if (element.kind !== 'data') continue;
        if (element.is(Mkv.TimestampScale)) scale = element.value;
        else if (element.is(Mkv.Timestamp)) timestamp = element.value;
        else if (element.is(Mkv.SimpleBlock) || element.is(Mkv.Block)) {
          const block = element.value;
          const track = metadata.getTrackMetadata(block.trackNumber);
          if (track === undefined) continue;
          const time = ((timestamp + block.relativeTimestamp) * scale) / 1000;
          this.#callbacks.output(this.output(block.frame(0), this.#timeOf(time), track, config));
        }
      }
    };
    const args = [
      ...['-fflags', 'nobuffer', '-probesize', '32', '-analyzeduration', '0', '-f', 'matroska', '-i', 'pipe:0'],
      ...['-map', '0:0', '-copyts', ...this.outputOptions, '-flush_packets', '1', '-f', 'matroska', 'pipe:1'],
    ];
    const process = new FfmpegProcess(args, { onData, onDrain: () => this.#dequeue() });
    process.done.catch((error: unknown) => this.#fail(process, error));
    const { codecId, codecPrivate, type, settings } = this.codec(config);
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

  /** The time of the chunk that an output is of. */
  #timeOf(time: number): number {
    let best = -1;
    this.#times.forEach((each, index) => {
      const distance = Math.abs(each - time);
      if (distance <= ROUNDING && (best < 0 || distance < Math.abs(this.#times[best]! - time))) best = index;
    });
    const [found] = best < 0 ? [time] : this.#times.splice(best, 1);
    return (found ?? time) - BEGIN + this.#first;
  }

  #dequeue(): void {
    this.#isBehind = false;
    this.ondequeue?.(new Event('dequeue'));
  }

  #fail(process: FfmpegProcess, error: unknown): void {
    if (this.#state === 'closed') return;
    if (this.#process === process) this.#process = undefined;
    this.#state = 'closed';
    this.#callbacks.error(error instanceof Error ? error : new Error(String(error)));
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

function closedError(): Error {
  return Object.assign(new Error('the decoder is closed or not configured'), { name: 'InvalidStateError' });
}

/** A `VideoDecoder` that is an ffmpeg process. Its pictures have the format `RGBA`. */
export class FfmpegVideoDecoder extends FfmpegDecoder<VideoDecoderSettings, VideoFrameLike> {
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
    return this.numberOfFrames * 4;
  }

  copyTo(destination: Float32Array, { planeIndex }: { readonly planeIndex: number }): void {
    const data = this.#data;
    if (data === undefined) throw closedError();
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    const { numberOfChannels, numberOfFrames } = this;
    for (let i = 0; i < numberOfFrames; i++) {
      destination[i] = view.getFloat32((i * numberOfChannels + planeIndex) * 4, true);
    }
  }

  close(): void {
    this.#data = undefined;
  }
}
