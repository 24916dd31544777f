import type { CheckRule, CheckSeverity } from '../check/finding.js';
import type { Obstacles, Playable } from '../check/playability.js';
import type { RawAudio } from '../decode/raw-audio.js';
import type { TrackRule } from '../mkv/codec/media-format.js';
import type { FrameStorage } from '../mkv/content-encoding.js';
import type { AudioDecoderSettings, VideoDecoderSettings } from '../mkv/decoder-config.js';
import type { AudioSettings, TrackType, VideoSettings } from '../mkv/track.js';
import type { StreamError } from '../visitors/fragment-metadata.js';
import type { EncodedChunkSettings } from '../visitors/frame.js';

/**
 * What the page and the worker that reads for it say to each other. All of it can be cloned. The worker holds the bytes, or knows how to get
 * them, and sends the {@link ModelUpdate}s of what it reads; the page asks with {@link Requests}.
 *
 * Positions are bytes from the start of the stream. Fragments, frames, tracks and elements are named by numbers that count from 0 in stream
 * order and stay what they are; in a live stream, of which the oldest part is let go, the smallest numbers are no longer there. Names,
 * numbers and codes that a stream gives are cut to `MOST_NAME_TEXT` characters.
 */

// ---- What is opened ----

/** What to open. */
export type ViewSource =
  /** A file that a user chose or dropped: it is read by slices and leaves the page nowhere. */
  | { readonly kind: 'blob'; readonly blob: Blob; readonly name: string }
  /** A file of a server that answers Range requests. */
  | { readonly kind: 'url'; readonly url: string; readonly name: string; readonly size: number }
  /** A stream that grows, in the envelope of `live-envelope.ts`. */
  | { readonly kind: 'live'; readonly url: string; readonly name: string };

/** How much of a live stream is kept. */
export interface LiveWindow {
  /** In bytes; the newest fragment is kept whatever its size. Default 64 MiB. */
  readonly maxBytes?: number | undefined;
  /** How many fragments. Default 1,000. */
  readonly maxFragments?: number | undefined;
}

/** What `kvs view` says that it serves, as JSON at the address that the page's `<meta name="kvs-source">` has. */
export interface ServedSources {
  /** Files: to be read by Range requests. Addresses are relative to the page's. */
  readonly files: readonly { readonly name: string; readonly size: number; readonly url: string }[];
  /** A stream that grows. */
  readonly live?: { readonly name: string; readonly url: string } | undefined;
}

// ---- The model, as it arrives ----

/** Where the reading is. */
export interface ReadState {
  /**
   * `reading`: on the way to the end of a file. `live`: a stream that grows. `done`: all has been read. `failed`: nothing more comes, because
   * of `error`; what came before stays.
   */
  readonly phase: 'reading' | 'live' | 'done' | 'failed';
  /** How many bytes have been read. */
  readonly bytesRead: number;
  /** Of all; `undefined` for a stream that grows. */
  readonly size: number | undefined;
  /** What went wrong, in a sentence: also what a file is that is no Matroska. Text of the stream in it is not made safe for anything. */
  readonly error: string | undefined;
  /** What is not shown because there is too much of it, in sentences. */
  readonly limits: readonly string[];
  /**
   * What `time` of frames and fragments is: `producer`, milliseconds since 1970 by the producer's clock; `presentation`, milliseconds of the
   * presentation timeline, where no fragment has a producer timestamp.
   */
  readonly clock: 'producer' | 'presentation';
}

/** A tag of the producer. */
export interface TagRecord {
  readonly name: string;
  /** At most {@link MOST_TAG_TEXT} characters of the value; plain text, whatever it looks like. `element` has all of it. */
  readonly value: string;
  /** How many characters the whole value has. */
  readonly length: number;
  /** The element that holds the value; `undefined` where there is none. */
  readonly element: number | undefined;
  /** Whether a fragment beside this one has a tag of the same name and value, as persistent tags of a producer do. */
  readonly persistent: boolean;
  /** Whether it stands behind the fragment's first Cluster. */
  readonly behind: boolean;
}

/** A tag of the service's own, as it is written. */
export interface ServiceTagRecord {
  readonly name: string;
  readonly value: string;
  /** The element that holds the value. */
  readonly element: number | undefined;
}

/** So many characters of a tag's value are in its record. */
export const MOST_TAG_TEXT = 4096;

/** A fragment; of a document that is not of Kinesis Video Streams, a Cluster. A record that comes again replaces the one before. */
export interface FragmentRecord {
  /** Its place in the stream, from 0. */
  readonly index: number;
  /** The fragment's number, a decimal string. */
  readonly fragmentNumber: string | undefined;
  /** Milliseconds since 1970. */
  readonly producerTimestamp: number | undefined;
  /** Milliseconds since 1970: when the service began to receive it. */
  readonly serverTimestamp: number | undefined;
  readonly millisBehindNow: number | undefined;
  readonly continuationToken: string | undefined;
  /** Of its first byte. */
  readonly offset: number;
  /** In bytes, with everything that belongs to it. */
  readonly size: number;
  /** Where it begins on the time axis, see {@link ReadState.clock}; `undefined` where it has neither frames nor a producer timestamp. */
  readonly time: number | undefined;
  /** How long, in microseconds; `undefined` where nobody can tell. */
  readonly duration: number | undefined;
  /** Its frames: the first, and how many. */
  readonly firstFrame: number;
  readonly frames: number;
  /** How many of them are key frames of video. */
  readonly keyframes: number;
  /** Bytes of frame data. */
  readonly frameBytes: number;
  /** The producer's tags, in order, duplicates kept. */
  readonly tags: readonly TagRecord[];
  /** The service's tags, in order. What they say is in the other properties. */
  readonly serviceTags: readonly ServiceTagRecord[];
  /** What the service reports within the stream to have gone wrong. */
  readonly error: StreamError | undefined;
  /** Whether something of it is missing. */
  readonly truncated: boolean;
  /** How many bytes in it are damaged and were passed over. */
  readonly damagedBytes: number;
  /**
   * How far it begins behind the end of the fragment before it on the time axis, in microseconds; negative where they overlap. Only where that
   * is more than 50 ms, what the service calls a discontinuity; else `undefined`.
   */
  readonly gap: number | undefined;
  /** Whether it is of Kinesis Video Streams. */
  readonly isKinesisVideo: boolean;
  /** The element that it begins with. */
  readonly element: number | undefined;
  /** Whether it is still being read. */
  readonly open: boolean;
}

/** Bits of {@link FrameBatch.flags}. */
export const FrameFlag = {
  /** Decoding can begin here, by the frame itself where it can tell. */
  key: 1,
  /** The flag that is written. */
  keyFlag: 2,
  invisible: 4,
  discardable: 8,
  /** One of several in a Block. */
  laced: 16,
} as const;

/** Frames, in stream order: a column for each property. */
export interface FrameBatch {
  /** Number of the first one. */
  readonly first: number;
  readonly count: number;
  /** The `id` of the {@link TrackRecord} that it has. */
  readonly track: Uint16Array<ArrayBuffer>;
  /** Number of its fragment. */
  readonly fragment: Uint32Array<ArrayBuffer>;
  /** On the time axis, in milliseconds with a fraction: see {@link ReadState.clock}. */
  readonly time: Float64Array<ArrayBuffer>;
  /** Presentation time, in microseconds. */
  readonly timestamp: Float64Array<ArrayBuffer>;
  /** In microseconds; NaN where nobody says it. */
  readonly duration: Float64Array<ArrayBuffer>;
  /** Of the frame as it is stored, in bytes. */
  readonly size: Uint32Array<ArrayBuffer>;
  /** See {@link FrameFlag}. */
  readonly flags: Uint8Array<ArrayBuffer>;
  /** Of the SimpleBlock or Block element that holds it. */
  readonly block: Float64Array<ArrayBuffer>;
  /** Of the frame's first byte as it is stored. */
  readonly data: Float64Array<ArrayBuffer>;
}

/** A named value of a decoded description, in the words of its standard. */
export interface DescriptionField {
  readonly name: string;
  readonly value: string;
}

/** A part of what a decoder is told: a configuration record, a parameter set, an AudioSpecificConfig. */
export interface DescriptionPart {
  /** For example `AVCDecoderConfigurationRecord`, `Sequence parameter set`, `AudioSpecificConfig`. */
  readonly title: string;
  readonly fields: readonly DescriptionField[];
  /** As it is stored. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * A track as its frames are from some frame on: where a later fragment describes it otherwise, or frames bring other parameter sets, it is
 * another record of the same `number`.
 */
export interface TrackRecord {
  /** Its place among the records, from 0. */
  readonly id: number;
  /** TrackNumber. */
  readonly number: number;
  /** TrackUID, a decimal string. */
  readonly uid: string;
  readonly type: TrackType;
  readonly name: string | undefined;
  readonly language: string;
  readonly codecId: string;
  readonly codecName: string | undefined;
  /** The codec string of RFC 6381 and WebCodecs; `undefined` where it can't be told. */
  readonly codecString: string | undefined;
  readonly codecPrivate: Uint8Array<ArrayBuffer> | undefined;
  /** In microseconds. */
  readonly defaultDuration: number | undefined;
  readonly video: VideoSettings | undefined;
  readonly audio: AudioSettings | undefined;
  /** `plain`, or how the frames are stored. */
  readonly storage: FrameStorage;
  /** The decoder's description, taken apart. */
  readonly description: readonly DescriptionPart[];
  /** What of its label the frames do not bear out. */
  readonly disagreements: readonly { readonly rule: TrackRule; readonly message: string }[];
  /** The fragment that it is first described in. */
  readonly firstFragment: number;
}

/** What is wrong with the stream, or worth knowing: see `checkStream`. */
export interface FindingRecord {
  readonly severity: CheckSeverity;
  readonly rule: CheckRule;
  readonly fragmentNumber: string | undefined;
  /** TrackNumber. */
  readonly track: number | undefined;
  readonly offset: number;
  readonly message: string;
}

/** What `checkStream` says at the end. */
export interface CheckSummary {
  readonly playable: Playable;
  readonly obstacles: Obstacles;
  /** How many findings are not shown. */
  readonly omitted: number;
}

/** Damaged bytes. */
export interface DamageRecord {
  readonly offset: number;
  readonly length: number;
  readonly reason: string;
}

/** What happens to the connection of a live stream. */
export type ConnectionEvent =
  /** The page is connected to the process that reads the stream. */
  | { readonly kind: 'open'; readonly at: number }
  /** The service ended the connection, or it failed: another is made after `delayMs`. */
  | {
      readonly kind: 'reconnect';
      readonly at: number;
      readonly reason: string;
      readonly message: string | undefined;
      readonly delayMs: number;
      readonly afterFragmentNumber: string | undefined;
    }
  /** A call of the service has failed and is made again. */
  | { readonly kind: 'retry'; readonly at: number; readonly message: string }
  /** Fragments that cannot be had. */
  | {
      readonly kind: 'gap';
      readonly at: number;
      readonly reason: string;
      readonly afterFragmentNumber: string | undefined;
      readonly beforeFragmentNumber: string | undefined;
    }
  /** The stream has ended, or will not go on because of `error`. */
  | { readonly kind: 'end'; readonly at: number; readonly error: string | undefined };

/** What the worker tells of the stream, in the order in which it is to be applied. */
export type ModelUpdate =
  | { readonly type: 'state'; readonly state: ReadState }
  | { readonly type: 'tracks'; readonly tracks: readonly TrackRecord[] }
  | { readonly type: 'fragments'; readonly fragments: readonly FragmentRecord[] }
  | { readonly type: 'frames'; readonly frames: FrameBatch }
  /** Frames are so many milliseconds later on the time axis than was said: a producer timestamp has come behind them. */
  | { readonly type: 'moved'; readonly first: number; readonly end: number; readonly millis: number }
  | { readonly type: 'findings'; readonly findings: readonly FindingRecord[] }
  | { readonly type: 'damage'; readonly damage: readonly DamageRecord[] }
  | { readonly type: 'summary'; readonly summary: CheckSummary }
  | { readonly type: 'connection'; readonly event: ConnectionEvent }
  /** How far the newest fragment is behind, in milliseconds: from the producer's clock to its arrival here. */
  | { readonly type: 'delay'; readonly millis: number }
  /** All before these is let go. */
  | { readonly type: 'dropped'; readonly firstFragment: number; readonly firstFrame: number; readonly offset: number };

// ---- What can be asked ----

/** An element of the tree. */
export interface ElementRecord {
  /** Its number in document order. */
  readonly element: number;
  /** `undefined` for one of the outermost. */
  readonly parent: number | undefined;
  /** EBML ID with its length bits; 0 for damaged bytes, which are shown among the elements. */
  readonly id: number;
  /** By RFC 8794 and RFC 9559; `undefined` for an unknown id. */
  readonly name: string | undefined;
  /** How many masters hold it. */
  readonly level: number;
  readonly offset: number;
  readonly headerSize: number;
  /** Of its data, by what follows it where the size that is written is "unknown". */
  readonly dataSize: number;
  readonly unknownSize: boolean;
  /** Whether bytes of it are missing. */
  readonly truncated: boolean;
  /** Whether it is still being read. */
  readonly open: boolean;
  /** Whether it is a master. */
  readonly master: boolean;
  /** How many children it has by now; 0 for a data element. */
  readonly children: number;
  /** Of a data element: `uinteger`, `string` …; `undefined` for a master and for an unknown id. */
  readonly type: string | undefined;
  /**
   * The value as text: numbers in decimal, dates in ISO 8601, strings cut to {@link MOST_VALUE_TEXT} characters, a Block's track, time and
   * flags, the first bytes of others in hexadecimal. `undefined` for a master.
   */
  readonly value: string | undefined;
  /** Whether `value` is not all of it. */
  readonly cut: boolean;
  /** Of a Block: its first frame, and how many it has. */
  readonly frame: number | undefined;
  readonly frames: number;
}

/** So many characters of a value are in an element's record. */
export const MOST_VALUE_TEXT = 256;

/** What to look for among the elements. All that is given has to fit. */
export interface ElementQuery {
  /** A part of the name, in any case. */
  readonly name?: string | undefined;
  /** EBML ID with its length bits. */
  readonly id?: number | undefined;
  /** The element, and those it lies in, that hold the byte at this offset. */
  readonly offset?: number | undefined;
  /** A part of the value as it is shown, in any case; of strings, a part of all of it. */
  readonly value?: string | undefined;
  /** How many to find at the most. Default 1,000. */
  readonly limit?: number | undefined;
}

/** A frame for a WebCodecs decoder. */
export interface EncodedFrame {
  /** Number of the frame; of one that is spread over several Blocks, of its first part. */
  readonly frame: number;
  readonly chunk: EncodedChunkSettings & { data: Uint8Array<ArrayBuffer> };
}

/** Frames for one decoder. */
export interface EncodedRun {
  /** What to configure the decoder with. `undefined` where the codec is not known: `problem` says so. */
  readonly video: VideoDecoderSettings | undefined;
  readonly audio: AudioDecoderSettings | undefined;
  /** How the samples lie in the frames, where they need no decoder: PCM and G.711. */
  readonly raw: RawAudio | undefined;
  /** In decoding order. A frame that cannot be decoded is left out. */
  readonly frames: readonly EncodedFrame[];
  /** How far the run reaches, in frames: where the next begins. `undefined` at the end of the track. */
  readonly next: number | undefined;
  /** Why frames are missing, in a sentence. */
  readonly problem: string | undefined;
}

/** A file to save. */
export interface SavedFile {
  readonly name: string;
  readonly type: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** What can be asked of the worker: of each, what it takes and what it gives. */
export interface Requests {
  /** Begins to read. Answered at once; the model comes in updates. */
  open: { params: { readonly source: ViewSource; readonly window?: LiveWindow | undefined }; result: undefined };
  /** Children of an element, or the outermost elements, from `from` on. */
  children: {
    params: { readonly parent: number | undefined; readonly from: number; readonly count: number };
    result: { readonly total: number; readonly elements: readonly ElementRecord[] };
  };
  /** One element with the masters that hold it, outermost first and itself last; `index` of each among its siblings. */
  path: {
    params: { readonly element: number };
    result: readonly { readonly element: ElementRecord; readonly index: number }[];
  };
  /** The innermost element at an offset; `undefined` where there is none. */
  at: { params: { readonly offset: number }; result: number | undefined };
  /** A value whole, as text: strings up to 16 MiB. */
  value: { params: { readonly element: number }; result: string };
  /** Searches. What is found comes in parts, then how many there were and whether there are more. */
  search: {
    params: ElementQuery;
    part: readonly ElementRecord[];
    result: { readonly found: number; readonly more: boolean };
  };
  /** Bytes of the stream, at most 1 MiB; fewer at its end, none where they are no longer held. */
  bytes: { params: { readonly offset: number; readonly length: number }; result: Uint8Array<ArrayBuffer> };
  /** A frame's bytes as its codec has them: stripped headers put back, zlib inflated. */
  frame: { params: { readonly frame: number }; result: SavedFile };
  /**
   * What to decode to see a frame: from the key frame before it, in decoding order, to the frame itself, or the last part of it where it is
   * spread over several Blocks. The picture whose `timestamp` is the frame's is the one.
   */
  picture: { params: { readonly frame: number }; result: EncodedRun & { readonly timestamp: number } };
  /**
   * Frames of a track in a row, from the first one at or behind `frame` on that decoding can begin with: at most `count`, or until its
   * configuration changes.
   */
  run: {
    params: { readonly number: number; readonly frame: number; readonly count: number };
    result: EncodedRun;
  };
  /**
   * A fragment as a file of its own: a Matroska document. Those of consecutive fragments, one behind the other, are the byte stream that
   * `MsePlayer` plays. The Cues and SeekHead of a Cluster's document are those of the file that it was in.
   */
  fragment: { params: { readonly fragment: number }; result: SavedFile };
  /** Stops reading and forgets all. */
  close: { params: undefined; result: undefined };
}

export type RequestName = keyof Requests;

/** What a request gives in parts, where it does. */
export type PartOf<N extends RequestName> = Requests[N] extends { part: infer P } ? P : never;

// ---- The messages ----

/** From the page to the worker. */
export type ToWorker =
  | {
      [N in RequestName]: {
        readonly type: 'request';
        readonly id: number;
        readonly name: N;
        readonly params: Requests[N]['params'];
      };
    }[RequestName]
  /** Nobody waits for the answer any more. */
  | { readonly type: 'cancel'; readonly id: number };

/** From the worker to the page. */
export type FromWorker =
  | { readonly type: 'update'; readonly updates: readonly ModelUpdate[] }
  | { readonly type: 'part'; readonly id: number; readonly part: unknown }
  | { readonly type: 'result'; readonly id: number; readonly result: unknown }
  /** Why there is no result, in a sentence. */
  | { readonly type: 'failure'; readonly id: number; readonly message: string };
