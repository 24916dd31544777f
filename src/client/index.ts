/**
 * Consumers of Amazon Kinesis Video Streams that stay attached: {@link GetMediaConsumer} for live streams, {@link FragmentListConsumer} for
 * stored ones. They work on the AWS SDK's clients, whose packages are optional peers of this one, in Node and in browsers.
 *
 * @module kvs-parser/client
 */
export type {
  ArchivedMediaAccess,
  ArchivedMediaClient,
  ControlClient,
  MediaAccess,
  MediaClient,
  SendOptions,
  ServiceAccess,
  StreamIdentity,
} from './access.js';
export type { BackoffOptions } from './backoff.js';
export type { Checkpoint, CheckpointStore } from './checkpoint.js';
export { type Clip, type ClipOptions, type ClipSettings, getClip } from './clips.js';
export type { Clock } from './clock.js';
export type {
  CheckpointMessage,
  ConnectionMessage,
  DiagnosticMessage,
  DiagnosticMessages,
  FragmentMessage,
  GapMessage,
  RetryMessage,
} from './diagnostics.js';
export type { DuplicateChoice } from './duplicates.js';
export type { GapEvent, ReconnectEvent } from './events.js';
export type { FailureKind } from './failure-kind.js';
export { FragmentListConsumer } from './fragment-list-consumer.js';
export type { FragmentListMetrics } from './fragment-list-metrics.js';
export type {
  FailedFragment,
  FragmentChoice,
  FragmentListConsumerOptions,
  FragmentListConsumerSettings,
  FragmentListProgress,
  FragmentRetryEvent,
} from './fragment-list-options.js';
export {
  type GeneratedImageKey,
  type GeneratedImageMetadata,
  parseGeneratedImageKey,
  parseGeneratedImageMetadata,
} from './generated-image.js';
export { GetMediaConsumer, type GetMediaConsumerOptions, type GetMediaConsumerSettings } from './get-media-consumer.js';
export { type ImagesOptions, type ImagesSettings, images, type StreamImage } from './images.js';
export type { FragmentDocument, PatienceOptions } from './iteration.js';
export type { FragmentOrder, FragmentRange, ListedFragment } from './list-fragments.js';
export type { ConsumerMetrics } from './metrics.js';
export { type FragmentNotification, parseFragmentNotification } from './notification.js';
export { PeerError, type PeerErrorCode } from './peer.js';
export type { PlaybackAccess } from './playback-client.js';
export type { ResumeBy, StartPosition } from './position.js';
export {
  type FragmentHandler,
  type ProcessContext,
  type ProcessMetrics,
  type ProcessOptions,
  processFragments,
  type UncommittedFragment,
} from './process-fragments.js';
export { type CallLimiter, RateLimiter } from './rate-limiter.js';
export {
  boxToPixels,
  parseRekognitionResult,
  type RekognitionBox,
  type RekognitionFace,
  type RekognitionLandmark,
  type RekognitionMatch,
  type RekognitionResult,
} from './rekognition.js';
export { RekognitionIndex, type RekognitionIndexOptions, type RekognitionJoin } from './rekognition-index.js';
export { KinesisVideoError, type ServiceOperation } from './service-error.js';
export {
  type DashUrlOptions,
  dashUrl,
  type HlsUrlOptions,
  hlsUrl,
  type SessionSettings,
  type StreamingUrl,
} from './streaming-url.js';
