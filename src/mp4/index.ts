/**
 * MP4 from Matroska streams as Amazon Kinesis Video Streams sends them: segments for Media Source Extensions, HLS and DASH as fragments
 * arrive, or one progressive file.
 *
 * @module kvs-parser/mp4
 */
export { type CmafFragment, type CmafMedia, CmafRemuxer, type CmafTrack } from './cmaf-remuxer.js';
export type { FragmentLimits, FragmentTimeRange, LimitReached } from './fragment-limit.js';
export {
  type Mp4InitSegment,
  type Mp4MediaSegment,
  Mp4Remuxer,
  type Mp4Segment,
} from './mp4-remuxer.js';
export type { Mp4Spool } from './mp4-writer.js';
export {
  MsePlayer,
  type MsePlayerEventMap,
  type MsePlayerListener,
  type MsePlayerListenerOptions,
  type MsePlayerState,
} from './mse-player.js';
export type { MsePlayerOptions } from './player-options.js';
export { type Mp4ErrorCode, Mp4RemuxError } from './remux-error.js';
export { type RemuxResult, type RemuxToMp4Options, remuxToMp4 } from './remux-to-mp4.js';
export type { Mp4RemuxerOptions } from './remuxing-visitor.js';
export type { FragmentInput } from './samples.js';
export {
  cmafFragmentStream,
  type Mp4ReadOptions,
  Mp4RemuxStream,
  type Mp4StreamOptions,
  mp4SegmentStream,
} from './streams.js';
export type { StartOfPresentation } from './timeline.js';
export type { Mp4TrackInfo } from './track-info.js';
