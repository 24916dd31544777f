import {
  type FrameEvidence,
  type FrameLook,
  isTelling,
  type MediaFormat,
  NO_EVIDENCE,
  observeFrame,
  readLabel,
  settleFormat,
  type TrackDisagreement,
  type TrackLabel,
  type TrackRule,
} from './codec/media-format.js';
import { type ContentEncoding, ContentEncodingCollector, STORED_PLAIN } from './content-encoding.js';
import {
  type AudioDecoderSettings,
  audioDecoderSettings,
  type VideoDecoderSettings,
  videoDecoderSettings,
} from './decoder-config.js';
import type { MkvDataElement } from './element.js';
import { Mkv } from './elements.js';

/** TrackType of RFC 9559 section 5.1.4.1.3. */
export type TrackType =
  /** Pictures (1). */
  | 'video'
  /** Sound (2). */
  | 'audio'
  /** A mix of other types (3). */
  | 'complex'
  /** A picture that is laid over the video (16). */
  | 'logo'
  /** Subtitles or captions (17). */
  | 'subtitle'
  /** Buttons of a menu (18). */
  | 'buttons'
  /** Commands for the player (32). */
  | 'control'
  /** Metadata with times (33). */
  | 'metadata'
  /** A value that the standard does not list, or none. */
  | 'unknown';

const TRACK_TYPES: Readonly<Record<number, TrackType>> = {
  1: 'video',
  2: 'audio',
  3: 'complex',
  16: 'logo',
  17: 'subtitle',
  18: 'buttons',
  32: 'control',
  33: 'metadata',
};

/** Whether a value is a type of track. */
export function isTrackType(value: unknown): value is TrackType {
  return value === 'unknown' || Object.values<unknown>(TRACK_TYPES).includes(value);
}

/** The Video element of a track (RFC 9559 section 5.1.4.1.28). */
export interface VideoSettings {
  /** Width of the encoded picture, in pixels. */
  readonly pixelWidth: number;
  /** Height of the encoded picture, in pixels. */
  readonly pixelHeight: number;
  /** Width to show it with, in the unit of `displayUnit`; where the stream does not say, that of the picture as it is cropped. */
  readonly displayWidth: number;
  /** Height to show it with. */
  readonly displayHeight: number;
  /** DisplayUnit: 0 pixels, 1 centimetres, 2 inches, 3 aspect ratio, 4 unknown. */
  readonly displayUnit: number;
}

/** The Audio element of a track (RFC 9559 section 5.1.4.1.29). */
export interface AudioSettings {
  /** Samples per second. */
  readonly samplingFrequency: number;
  /** Samples per second after decoding, where it differs (SBR). */
  readonly outputSamplingFrequency: number | undefined;
  /** Number of channels. */
  readonly channels: number;
  /** Bits per sample; mostly absent for compressed audio. */
  readonly bitDepth: number | undefined;
}

/**
 * The description of a track: its TrackEntry (RFC 9559 section 5.1.4.1). It owns its bytes: it refers to no chunk.
 *
 * Its fields are what is written. `codecString` and the decoder configurations are what the frames are: where frames that have been read
 * show another format than the TrackEntry says, the frames win. A track whose decoder needs another configuration from some frame on is
 * another object from there on: while `frame.track` stays the same, so does the configuration.
 */
export class TrackMetadata {
  /** TrackNumber, which Blocks name: 1 and up. */
  readonly number: number;
  /** TrackUID; 0 where the stream has none. */
  readonly uid: bigint;
  /** What kind of track it is. */
  readonly type: TrackType;
  /** Name, meant for people; Amazon Connect tells the directions of a call by it. */
  readonly name: string | undefined;
  /** CodecID, for example `V_MPEG4/ISO/AVC`; empty where the stream has none. */
  readonly codecId: string;
  /** CodecName, meant for people. */
  readonly codecName: string | undefined;
  /** CodecPrivate: what the decoder needs before the first frame. */
  readonly codecPrivate: Uint8Array | undefined;
  /** Language: BCP 47 where the stream has it, else ISO 639-2; `eng` where it has neither (the standard's default). */
  readonly language: string;
  /** DefaultDuration: the duration of a frame, in microseconds (stored in nanoseconds, so it may have a fraction). */
  readonly defaultDuration: number | undefined;
  /** CodecDelay, in microseconds: what a decoder puts out before the first sample that is meant. */
  readonly codecDelay: number;
  /** SeekPreRoll, in microseconds. */
  readonly seekPreRoll: number;
  /** Of a video track. */
  readonly video: VideoSettings | undefined;
  /** Of an audio track. */
  readonly audio: AudioSettings | undefined;
  /** How the track's frames are stored. */
  readonly contentEncoding: ContentEncoding;
  /** All data elements of the TrackEntry, in order, those within its masters too. */
  readonly elements: readonly MkvDataElement[];
  /**
   * Of a track as it was described: what frames have shown it to be since, where a visitor keeps that for later Segments.
   *
   * @internal
   */
  latest: TrackMetadata | undefined = undefined;
  #label: TrackLabel | undefined;
  #evidence: FrameEvidence = NO_EVIDENCE;
  #format: MediaFormat | undefined;
  /** The track as it was described, before frames showed anything; `undefined` for that one itself. */
  #origin: TrackMetadata | undefined;
  /** What is remembered of frames that changes no configuration; shared by all that came of one description. */
  #memory: TrackMemory | undefined;
  #tells: boolean | undefined;
  readonly #masters: ReadonlySet<unknown>;

  /** @internal */
  constructor(elements: readonly MkvDataElement[], masters: ReadonlySet<unknown>, contentEncoding: ContentEncoding) {
    this.#masters = masters;
    // The last one counts where an element that may occur once occurs again.
    const values = new Map<unknown, MkvDataElement>();
    for (const element of elements) values.set(element.type, element);
    const uint = (type: unknown): number | undefined => {
      const exact = values.get(type)?.bigintValue;
      return exact === undefined ? undefined : Number(exact);
    };
    const float = (type: unknown): number | undefined => {
      const value = values.get(type)?.value;
      return typeof value === 'number' ? value : undefined;
    };
    const text = (type: unknown): string | undefined => {
      const value = values.get(type)?.value;
      return typeof value === 'string' ? value : undefined;
    };
    this.elements = elements;
    this.contentEncoding = contentEncoding;
    this.number = uint(Mkv.TrackNumber) ?? 0;
    this.uid = values.get(Mkv.TrackUID)?.bigintValue ?? 0n;
    this.type = TRACK_TYPES[uint(Mkv.TrackType) ?? 0] ?? 'unknown';
    this.name = text(Mkv.Name);
    this.codecId = text(Mkv.CodecID) ?? '';
    this.codecName = text(Mkv.CodecName);
    this.codecPrivate = values.get(Mkv.CodecPrivate)?.data;
    this.language = text(Mkv.LanguageBCP47) ?? text(Mkv.Language) ?? String(Mkv.Language.defaultValue);
    const duration = uint(Mkv.DefaultDuration);
    this.defaultDuration = duration === undefined || duration === 0 ? undefined : duration / 1000;
    this.codecDelay = (uint(Mkv.CodecDelay) ?? 0) / 1000;
    this.seekPreRoll = (uint(Mkv.SeekPreRoll) ?? 0) / 1000;
    const rest = (size: number, ...crops: unknown[]) =>
      crops.reduce((left: number, crop) => Math.max(0, left - (uint(crop) ?? 0)), size);
    const pixelWidth = uint(Mkv.PixelWidth) ?? 0;
    const pixelHeight = uint(Mkv.PixelHeight) ?? 0;
    this.video = masters.has(Mkv.Video)
      ? {
          pixelWidth,
          pixelHeight,
          displayWidth: uint(Mkv.DisplayWidth) ?? rest(pixelWidth, Mkv.PixelCropLeft, Mkv.PixelCropRight),
          displayHeight: uint(Mkv.DisplayHeight) ?? rest(pixelHeight, Mkv.PixelCropTop, Mkv.PixelCropBottom),
          displayUnit: uint(Mkv.DisplayUnit) ?? 0,
        }
      : undefined;
    this.audio = masters.has(Mkv.Audio)
      ? {
          samplingFrequency: float(Mkv.SamplingFrequency) ?? Number(Mkv.SamplingFrequency.defaultValue),
          outputSamplingFrequency: float(Mkv.OutputSamplingFrequency),
          channels: uint(Mkv.Channels) ?? 1,
          bitDepth: uint(Mkv.BitDepth),
        }
      : undefined;
  }

  /**
   * The codec string that WebCodecs, Media Source Extensions and HLS want (RFC 6381), from the frames that have been read, CodecPrivate and
   * CodecID; for H.264, H.265, AAC, Opus, Vorbis, FLAC, MP3, AC-3, VP8, VP9, AV1, A-law, mu-law and PCM. `undefined` where it can't be
   * told.
   */
  get codecString(): string | undefined {
    return this.format.codecString;
  }

  /**
   * What `VideoDecoder.configure` of WebCodecs takes; assignable to `VideoDecoderConfig`. Frames go with it as `frame.toEncodedChunk()`
   * gives them.
   *
   * @param keyframe the data of a key frame, for a track whose frames have not been read: it wins over what CodecPrivate says. VP9 without
   * CodecPrivate needs it
   * @returns `undefined` when it is no video track, or a codec that is not known
   */
  toVideoDecoderConfig(keyframe?: Uint8Array): VideoDecoderSettings | undefined {
    const data = keyframe ?? NO_BYTES;
    const seen = keyframe === undefined ? this : this.observe({ head: data, size: data.length, whole: () => data });
    return videoDecoderSettings(this, seen.format, keyframe);
  }

  /**
   * What `AudioDecoder.configure` of WebCodecs takes; assignable to `AudioDecoderConfig`. Frames go with it as `frame.toEncodedChunk()`
   * gives them.
   *
   * @returns `undefined` when it is no audio track, or a codec that is not known
   */
  toAudioDecoderConfig(): AudioDecoderSettings | undefined {
    return audioDecoderSettings(this, this.format);
  }

  /** What the TrackEntry says that the frames which have been read do not bear out. */
  get disagreements(): readonly TrackDisagreement[] {
    const notes = Array.from(this.#memory?.notes ?? [], ([rule, message]) => ({ rule, message }));
    return [...this.format.disagreements, ...notes];
  }

  /**
   * What the frames are, by those that have been read.
   *
   * @internal
   */
  get format(): MediaFormat {
    this.#format ??= settleFormat(this, this.label, this.#evidence);
    return this.#format;
  }

  /**
   * What CodecPrivate says.
   *
   * @internal
   */
  get label(): TrackLabel {
    this.#label ??= readLabel(this);
    return this.#label;
  }

  /**
   * Whether frames have been taken for samples under another name.
   *
   * @internal
   */
  get isPcm(): boolean {
    return this.#evidence.pcm !== undefined;
  }

  /**
   * Whether frames have shown ADTS headers, which Matroska's own do not have.
   *
   * @internal
   */
  get hasAdts(): boolean {
    return this.#evidence.adts !== undefined && this.contentEncoding.strippedHeader.length === 0;
  }

  /**
   * Whether looking at frames can tell more of the track than it says itself.
   *
   * @internal
   */
  get isTelling(): boolean {
    this.#tells ??= this.contentEncoding.storage === 'plain' && isTelling(this);
    return this.#tells && (this.#memory === undefined || this.#memory.misses < MOST_MISSES);
  }

  /**
   * The track as it was described: the same for all that came of one description.
   *
   * @internal
   */
  get origin(): TrackMetadata {
    return this.#origin ?? this;
  }

  /**
   * The track with frames that are stored as they are.
   *
   * @internal
   */
  asPlain(): TrackMetadata {
    const plain = new TrackMetadata(this.elements, this.#masters, STORED_PLAIN);
    plain.#origin = this.origin;
    return plain;
  }

  /**
   * Looks at a frame of the track.
   *
   * @returns this track where the frame shows nothing that its decoder would have to know; else another that differs in this alone
   * @internal
   */
  observe(frame: FrameLook): TrackMetadata {
    const evidence = observeFrame(this, this.label, this.#evidence, frame);
    if (frame.failed === true) this.#remember().misses++;
    else if (frame.nals !== undefined && this.#memory !== undefined) this.#memory.misses = 0;
    if (evidence === this.#evidence) return this;
    const track = new TrackMetadata(this.elements, this.#masters, this.contentEncoding);
    track.#label = this.#label;
    track.#evidence = evidence;
    track.#origin = this.origin;
    track.#memory = this.#remember();
    return track;
  }

  #remember(): TrackMemory {
    this.#memory ??= { notes: new Map(), told: new Set(), misses: 0 };
    return this.#memory;
  }

  /**
   * Notes what a frame shows to be wrong of the track's label, without its decoder having to know.
   *
   * @internal
   */
  note(rule: TrackRule, message: string): void {
    const { notes } = this.#remember();
    if (!notes.has(rule)) notes.set(rule, message);
  }

  /**
   * What is wrong of its label and has not been given by this before, of no track of the same description.
   *
   * @internal
   */
  takeUntold(): readonly TrackDisagreement[] {
    const { told, notes } = this.#remember();
    if (told.size === notes.size + this.format.disagreements.length) return [];
    const untold = this.disagreements.filter(({ rule }) => !told.has(rule));
    for (const { rule } of untold) told.add(rule);
    return untold;
  }

  /** The track of a Block whose number no TrackEntry has: its frames are given, but nothing is known of them. */
  static unknown(number: number): TrackMetadata {
    const track = new TrackMetadata([], new Set(), new ContentEncodingCollector().result());
    return Object.assign(track, { number });
  }
}

/** What is remembered of a track's frames. */
interface TrackMemory {
  /** What they show to be wrong of the label. */
  readonly notes: Map<TrackRule, string>;
  /** The rules that have been told. */
  readonly told: Set<TrackRule>;
  /** How many of them, one behind the other, should have had NAL units and had none. */
  misses: number;
}

const NO_BYTES = new Uint8Array(0);
/** After so many frames that are not what the codec has, frames are not looked at any more. */
const MOST_MISSES = 8;
