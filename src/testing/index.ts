/**
 * A Kinesis Video endpoint on your own machine, to develop and test consumers against, and a writer of what GetMedia sends. For Node.
 *
 * @module kvs-parser/testing
 */
export type { AccessOptions } from './access-control.js';
export type { BlockInput } from './block-writer.js';
export {
  type Fault,
  type FaultCall,
  type FaultPlan,
  type FaultRule,
  type RandomFaultOptions,
  randomFaults,
  scriptedFaults,
} from './faults.js';
export {
  type FragmentListErrorInput,
  type GetMediaErrorInput,
  type GetMediaFragmentInput,
  type GetMediaWriteOptions,
  type Moment,
  type ServiceTagsInput,
  type TagPair,
  type TrailingTagsInput,
  writeGetMediaError,
  writeGetMediaFragment,
} from './get-media-writer.js';
export { NO_LIMITS, SERVICE_LIMITS, type ServiceLimits, type Violation } from './limits.js';
export {
  LocalKinesisVideo,
  type LocalKinesisVideoOptions,
  type LocalRequest,
  type LocalStreamOptions,
  startLocalKinesisVideo,
} from './local-kinesis-video.js';
export type { AppendOptions, FillOptions, LocalStream, StoredFragment } from './local-stream.js';
export { ServiceError, type ServiceErrorType } from './service-error.js';
export type { AudioInput, TrackInput, VideoInput } from './track-writer.js';
