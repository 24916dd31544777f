/**
 * HLS and DASH from Matroska streams as Amazon Kinesis Video Streams sends them: a packager, and a handler that serves what it makes, live
 * with low latency or on demand.
 *
 * @module kvs-parser/hls
 */
export type { ArchivedFragment, FragmentArchive } from './archive.js';
export { ArchivePackager, type ArchivePackagerOptions } from './archive-packager.js';
export type { PlaybackHandler } from './handler.js';
export type { DiscontinuityMode, DisplayMode, FragmentSelectorType, PlaybackMode, PlaybackOptions } from './options.js';
export { Packager, type PackagerOptions, type PlaybackFile } from './packager.js';
export type { ResponseClass } from './respond.js';
export type { PackagerSource } from './source.js';
