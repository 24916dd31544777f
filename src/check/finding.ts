import { shortText } from '../ebml/text.js';

/**
 * How bad a finding is. `error`: the service or a standard reader refuses the stream, or media is lost. `warning`: readers differ, or a
 * label is wrong. `info`: good to know.
 */
export type CheckSeverity = 'error' | 'warning' | 'info';

/**
 * The rule that a finding is about, such as `CrcMismatch`. Each rule has one severity; `docs/check.md` lists them all.
 *
 * @useDeclaredType
 */
export type CheckRule = keyof typeof SEVERITIES;

/** Each rule with its severity. */
export const SEVERITIES = {
  // Bytes
  Damage: 'error',
  CrcMismatch: 'error',
  InvalidBlock: 'error',
  Truncated: 'error',
  Matroska: 'warning',
  // What the service says, and its limits
  ServiceError: 'error',
  FragmentNumber: 'error',
  FragmentDuration: 'error',
  FragmentShort: 'warning',
  FragmentSize: 'error',
  TrackCount: 'error',
  TagCount: 'error',
  TagLength: 'error',
  TagName: 'error',
  TagsOrder: 'warning',
  // Tracks and their frames
  KeyframeFirst: 'error',
  CodecId: 'error',
  CodecPrivate: 'error',
  FrameFormat: 'error',
  ParameterSets: 'error',
  ProfileLevel: 'warning',
  Vui: 'info',
  VideoSize: 'error',
  VideoAspect: 'warning',
  AudioSettings: 'warning',
  KeyframeFlags: 'warning',
  AccessUnits: 'warning',
  NalPadding: 'info',
  FrameStorage: 'warning',
  UnknownTrack: 'error',
  TrackWithoutFrames: 'warning',
  TracksChanged: 'warning',
  UnsupportedCodec: 'warning',
  // Times
  TimestampRepeated: 'error',
  TimestampOrder: 'error',
  TimestampJitter: 'warning',
  TimeRestart: 'warning',
  Gap: 'info',
  Overlap: 'warning',
} as const satisfies Readonly<Record<string, CheckSeverity>>;

/** One fault of a stream, or a fact worth knowing. */
export interface Finding {
  /** How bad it is. */
  readonly severity: CheckSeverity;
  /** What it is about. */
  readonly rule: CheckRule;
  /** The fragment's number, a decimal string; `undefined` where it is of no fragment or the fragment has none. */
  readonly fragmentNumber: string | undefined;
  /** TrackNumber of the track that it is about, if it is about one. */
  readonly track: number | undefined;
  /** Where it shows, in bytes from the start of the stream. */
  readonly offset: number;
  /** What is wrong, in a sentence. Text of the stream in it is cut to 100 characters, and not made safe for a terminal. */
  readonly message: string;
}

/** Where a finding is. */
export type FindingPlace = Partial<Pick<Finding, 'fragmentNumber' | 'track'>> & Pick<Finding, 'offset'>;

/** Takes findings. */
export type Report = (rule: CheckRule, place: FindingPlace, message: string) => void;

/** Text of the stream as it may stand in a message. */
export function quote(text: string): string {
  return JSON.stringify(shortText(text));
}

/** Microseconds as seconds, to the millisecond. */
export function seconds(microseconds: number): string {
  return `${Number((microseconds / 1e6).toFixed(3))} s`;
}
