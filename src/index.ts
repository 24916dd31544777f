/**
 * The core of kvs-parser: reading Matroska streams as Amazon Kinesis Video Streams sends them. It has no dependency and runs in
 * Node and in browsers.
 *
 * @module kvs-parser
 */
export { type CheckOptions, type CheckReport, checkStream } from './check/check-stream.js';
export type { CheckRule, CheckSeverity, Finding } from './check/finding.js';
export type { Obstacles, Playable, PlaybackOperation } from './check/playability.js';
export type { Bytes } from './ebml/bytes.js';
export { type EbmlElementType, type EbmlSchema, type EbmlValueType, parseSchema } from './ebml/element-type.js';
export { type EbmlErrorCode, EbmlParseError } from './ebml/errors.js';
export type { EbmlGap, EbmlHandler, EbmlParserOptions, EbmlWarning } from './ebml/handler.js';
export { EbmlParser } from './ebml/parser.js';
export type { SyncMark } from './ebml/sync-scanner.js';
export {
  type EbmlValue,
  type EbmlWriteMasterOptions,
  type EbmlWriteOptions,
  writeElement,
  writeHeader,
  writeMaster,
  writeValue,
} from './ebml/writer.js';
export type { DocumentFacts, DocumentPart, DocumentSplitterOptions } from './fragments/document-splitter.js';
export { Fragment } from './fragments/fragment.js';
export type { FrameFilterOptions } from './fragments/frame-filter.js';
export { type ReadFragmentsOptions, type ReadFramesOptions, readFragments, readFrames } from './fragments/read.js';
export {
  MkvDocument,
  type ReadDocumentPartsOptions,
  type ReadDocumentsOptions,
  readDocumentParts,
  readDocuments,
} from './fragments/read-documents.js';
export type {
  Discontinuity,
  LeftOutElement,
  MergeCounters,
  NewDocument,
  NewDocumentReason,
  OutputRewrite,
  OutputSegmentMergerOptions,
  TimestampReason,
} from './merge/merge-options.js';
export { type MergeSeekableOptions, mergeSeekable } from './merge/merge-seekable.js';
export { OutputSegmentMerger } from './merge/output-segment-merger.js';
export {
  type SegmentMergerStream,
  type SegmentMergerStreamOptions,
  segmentMergerStream,
} from './merge/segment-merger-stream.js';
export type { ClosableAsyncIterator } from './mkv/async-iterator.js';
export { Block, type Lacing } from './mkv/block.js';
export type { BlobLike, ByteStream, ReadableStreamLike } from './mkv/byte-stream.js';
export { CodecDataError, type CodecErrorCode } from './mkv/codec/codec-error.js';
export type { TrackDisagreement, TrackRule } from './mkv/codec/media-format.js';
export type { ContentEncoding, FrameStorage } from './mkv/content-encoding.js';
export type { AudioDecoderSettings, VideoDecoderSettings } from './mkv/decoder-config.js';
export { MkvDataElement, type MkvElement, MkvEndMasterElement, MkvStartMasterElement } from './mkv/element.js';
export type { ElementVisitor, MaybePromise } from './mkv/element-visitor.js';
export {
  MKV_SCHEMA,
  Mkv,
  type MkvDataType,
  type MkvElementType,
  type MkvMasterType,
  type MkvTable,
} from './mkv/elements.js';
export { type MkvErrorCode, MkvParseError } from './mkv/parse-error.js';
export { type MkvGap, type MkvReaderOptions, type MkvWarning, StreamingMkvReader } from './mkv/reader.js';
export {
  applyVisitor,
  MkvElementStream,
  type MkvStreamOptions,
  readElements,
  type StreamClasses,
  type TransformControllerLike,
  type TransformerLike,
  type TransformStreamConstructor,
  type TransformStreamLike,
} from './mkv/streams.js';
export { type AudioSettings, TrackMetadata, type TrackType, type VideoSettings } from './mkv/track.js';
export { joinAccessUnits } from './visitors/access-units.js';
export { MkvChildElementCollector } from './visitors/child-element-collector.js';
export { ClusterTime } from './visitors/cluster-clock.js';
export { CompositeMkvElementVisitor } from './visitors/composite-visitor.js';
export { type ByteSink, CopyVisitor } from './visitors/copy-visitor.js';
export { CountVisitor } from './visitors/count-visitor.js';
export {
  compareFragmentNumbers,
  type FragmentMetadata,
  GET_MEDIA_ERRORS,
  type StreamError,
} from './visitors/fragment-metadata.js';
export { FragmentMetadataVisitor } from './visitors/fragment-metadata-visitor.js';
export { type EncodedChunkSettings, Frame } from './visitors/frame.js';
export {
  type BlockProcessor,
  type FrameProcessor,
  FrameVisitor,
  type FrameVisitorOptions,
  SimpleFrameVisitor,
} from './visitors/frame-visitor.js';
export { type Inflate, type InflateOptions, inflateFrame } from './visitors/inflate.js';
export { LogVisitor } from './visitors/log-visitor.js';
export { type ElementPlace, ElementSizeAndOffsetVisitor } from './visitors/size-and-offset-visitor.js';
export { MkvTag } from './visitors/tag.js';
export { BasicMkvTagProcessor, type MkvTagProcessor } from './visitors/tag-processor.js';
export { MkvElementVisitor } from './visitors/visitor.js';
