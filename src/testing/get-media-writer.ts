import { concatBytes, type EbmlWriteMasterOptions, writeElement, writeHeader, writeMaster } from '../ebml/writer.js';
import { writeEbmlHeader } from '../mkv/ebml-header.js';
import { Mkv, type MkvMasterType } from '../mkv/elements.js';
import { type BlockInput, writeBlock } from './block-writer.js';
import { writeCrcElement } from './crc-element.js';
import { type TrackInput, writeTrackEntry } from './track-writer.js';

export { writeEbmlHeader };

/** A tag as Kinesis Video knows it: a name and a value. */
export type TagPair = readonly [name: string, value: string];

/** A moment: a `Date`, or milliseconds since 1970. */
export type Moment = Date | number;

/** An error that GetMedia reports within the stream. */
export interface GetMediaErrorInput {
  /** AWS_KINESISVIDEO_ERROR_ID, for example 4000. */
  readonly id: number;
  /** AWS_KINESISVIDEO_ERROR_CODE, a text. */
  readonly code: string;
}

/** An error that GetMediaForFragmentList reports within the stream, instead of a fragment's media. */
export interface FragmentListErrorInput {
  /** AWS_KINESISVIDEO_EXCEPTION_ERROR_CODE: of the service an integer, for example 4000. */
  readonly code: number | string;
  /** AWS_KINESISVIDEO_EXCEPTION_MESSAGE. */
  readonly message: string;
}

/** What the service says of a fragment in the Tags before its Cluster. What is left out is not written. */
export interface ServiceTagsInput {
  /** AWS_KINESISVIDEO_FRAGMENT_NUMBER: a decimal string of up to 128 digits. */
  readonly fragmentNumber?: string | undefined;
  /** When the service began to receive the fragment; written to the millisecond. */
  readonly serverTimestamp?: Moment | undefined;
  /** When the producer began to record it; written to the millisecond. */
  readonly producerTimestamp?: Moment | undefined;
  /** An error of GetMedia. */
  readonly error?: GetMediaErrorInput | undefined;
  /** An error of GetMediaForFragmentList. */
  readonly exception?: FragmentListErrorInput | undefined;
}

/** What the service says in the Tags after a fragment's Cluster. What is left out is not written. */
export interface TrailingTagsInput {
  /** AWS_KINESISVIDEO_MILLIS_BEHIND_NOW. */
  readonly millisBehindNow?: number | undefined;
  /** AWS_KINESISVIDEO_CONTINUATION_TOKEN. */
  readonly continuationToken?: string | undefined;
}

/** One fragment as GetMedia sends it: a Matroska document of its own. */
export interface GetMediaFragmentInput extends ServiceTagsInput, TrailingTagsInput {
  /** The tracks; none: no Tracks element is written. */
  readonly tracks: readonly TrackInput[];
  /** The producer's tags, in order; a name may occur several times. */
  readonly tags?: readonly TagPair[] | undefined;
  /** The Cluster's blocks, in order. `undefined`: the fragment has no Cluster. */
  readonly blocks?: readonly BlockInput[] | undefined;
  /** The Cluster's Timestamp in microseconds; default: that of the first block. */
  readonly timestamp?: number | undefined;
}

/** Options for writing a document. Producers differ in all of them. */
export interface GetMediaWriteOptions {
  /** Begin SeekHead, Info, Tracks, the producer's Tags and the Cluster with a CRC-32. */
  readonly crc?: boolean | undefined;
  /** Write the Segment with its size; GetMedia sends it with an unknown one. */
  readonly knownSizeSegment?: boolean | undefined;
  /** Write the Cluster with an unknown size. */
  readonly unknownSizeCluster?: boolean | undefined;
  /** Begin the Segment with a SeekHead whose positions were right before the service added its Tags. */
  readonly seekHead?: boolean | undefined;
  /** Write a Void of so many bytes of data before Info. */
  readonly voidSize?: number | undefined;
  /** Write the producer's Tags before Info and Tracks. */
  readonly tagsFirst?: boolean | undefined;
  /** Write a Tags element for each of the producer's tags. */
  readonly separateTags?: boolean | undefined;
  /** Leave out Info. */
  readonly noInfo?: boolean | undefined;
  /** Nanoseconds per unit of time, default 1,000,000. */
  readonly timestampScale?: number | undefined;
  /** AWS_KINESISVIDEO_SERVER_SIDE_TIMESTAMP and _PRODUCER_SIDE_TIMESTAMP, as GetMediaForFragmentList spells them. */
  readonly sideTimestamps?: boolean | undefined;
  /** MuxingApp and WritingApp. */
  readonly application?: string | undefined;
  /** `'matroska'` (the default) or `'webm'`. */
  readonly docType?: string | undefined;
  /** Width of the size fields of masters in bytes; default: as short as may be. */
  readonly sizeLength?: number | undefined;
  /** Elements of the producer, written already, that stand between its Tags and the service's. */
  readonly beforeServiceTags?: Uint8Array | undefined;
  /** Elements of the producer, written already, that stand right after the Cluster. */
  readonly afterCluster?: Uint8Array | undefined;
}

const NONE = new Uint8Array(0);
const UNKNOWN_SIZE_WIDTH = 8;

/**
 * Writes one fragment as GetMedia sends it: EBML header, Segment of unknown size, the producer's Info, Tracks and Tags, the service's
 * Tags, the Cluster, and the service's Tags after it. Several of them behind each other are a GetMedia body.
 *
 * @throws RangeError when a time or size does not fit the element that holds it
 */
export function writeGetMediaFragment(fragment: GetMediaFragmentInput, options: GetMediaWriteOptions = {}): Uint8Array {
  const cluster = writeCluster(fragment, options);
  const children = [
    writeProducerElements(fragment, options),
    options.beforeServiceTags ?? NONE,
    writeServiceTags(fragment, options),
    cluster,
    options.afterCluster ?? NONE,
    writeTrailingTags(fragment, options),
  ];
  const segment =
    options.knownSizeSegment === true
      ? writeMaster(Mkv.Segment, children, { sizeLength: UNKNOWN_SIZE_WIDTH })
      : concatBytes([writeHeader(Mkv.Segment, undefined, { sizeLength: UNKNOWN_SIZE_WIDTH }), ...children]);
  return concatBytes([writeEbmlHeader(options.docType), segment]);
}

/** The Tags that the service puts before a fragment's Cluster; no bytes when there is nothing to say. */
export function writeServiceTags(input: ServiceTagsInput, options: GetMediaWriteOptions = {}): Uint8Array {
  const { fragmentNumber, serverTimestamp, producerTimestamp, error, exception } = input;
  const side = options.sideTimestamps === true ? '_SIDE' : '';
  const tags: TagPair[] = [];
  const add = (name: string, value: string) => tags.push([`AWS_KINESISVIDEO_${name}`, value]);
  if (fragmentNumber !== undefined) add('FRAGMENT_NUMBER', fragmentNumber);
  if (serverTimestamp !== undefined) add(`SERVER${side}_TIMESTAMP`, decimalSeconds(serverTimestamp));
  if (producerTimestamp !== undefined) add(`PRODUCER${side}_TIMESTAMP`, decimalSeconds(producerTimestamp));
  if (error !== undefined) {
    add('ERROR_CODE', error.code);
    add('ERROR_ID', String(error.id));
  }
  if (exception !== undefined) {
    add('EXCEPTION_ERROR_CODE', String(exception.code));
    add('EXCEPTION_MESSAGE', exception.message);
  }
  return tags.length === 0 ? NONE : writeTags(tags, options);
}

/** The Tags that the service puts after a fragment's Cluster; no bytes when there is nothing to say. */
export function writeTrailingTags(input: TrailingTagsInput, options: GetMediaWriteOptions = {}): Uint8Array {
  const tags: TagPair[] = [];
  if (input.millisBehindNow !== undefined) {
    tags.push(['AWS_KINESISVIDEO_MILLIS_BEHIND_NOW', String(input.millisBehindNow)]);
  }
  if (input.continuationToken !== undefined) {
    tags.push(['AWS_KINESISVIDEO_CONTINUATION_TOKEN', input.continuationToken]);
  }
  return tags.length === 0 ? NONE : writeTags(tags, options);
}

/** A Tags element with one Tag that holds a SimpleTag for each pair (RFC 9559 section 5.1.8). */
export function writeTags(
  tags: readonly TagPair[],
  options: { readonly sizeLength?: number | undefined } = {},
): Uint8Array {
  return master(Mkv.Tags, [writeTag(tags, options)], options);
}

/** Writes a document with an error of the service and no media. */
export function writeGetMediaError(input: ServiceTagsInput, options: GetMediaWriteOptions = {}): Uint8Array {
  return writeGetMediaFragment({ ...input, tracks: [] }, { ...options, noInfo: true });
}

/** SeekHead, Void, Info, Tracks and Tags: what stands before the service's Tags. */
function writeProducerElements(fragment: GetMediaFragmentInput, options: GetMediaWriteOptions): Uint8Array {
  const { tags = [] } = fragment;
  const crc = options.crc === true;
  const info = options.noInfo === true ? NONE : writeInfo(options);
  const tracks =
    fragment.tracks.length === 0 ? NONE : master(Mkv.Tracks, fragment.tracks.map(writeTrackEntry), options, crc);
  const tagLists = options.separateTags === true ? tags.map((tag) => [tag]) : tags.length === 0 ? [] : [tags];
  const tagElements = concatBytes(tagLists.map((list) => master(Mkv.Tags, [writeTag(list, options)], options, crc)));
  const padding = options.voidSize === undefined ? NONE : writeElement(Mkv.Void, new Uint8Array(options.voidSize));
  const parts: [MkvMasterType, Uint8Array][] = [
    [Mkv.Info, info],
    [Mkv.Tracks, tracks],
  ];
  if (options.tagsFirst === true) parts.unshift([Mkv.Tags, tagElements]);
  else parts.push([Mkv.Tags, tagElements]);
  const present = parts.filter(([, bytes]) => bytes.length > 0);
  return concatBytes([
    options.seekHead === true ? writeSeekHead(present, padding.length, options) : NONE,
    padding,
    ...present.map(([, bytes]) => bytes),
  ]);
}

function writeInfo(options: GetMediaWriteOptions): Uint8Array {
  const application = options.application ?? 'kvs-parser';
  const children = [
    writeElement(Mkv.TimestampScale, options.timestampScale ?? 1_000_000),
    writeElement(Mkv.MuxingApp, application),
    writeElement(Mkv.WritingApp, application),
  ];
  return master(Mkv.Info, children, options, options.crc === true);
}

function writeCluster(fragment: GetMediaFragmentInput, options: GetMediaWriteOptions): Uint8Array {
  const { blocks } = fragment;
  if (blocks === undefined) return NONE;
  const scale = options.timestampScale ?? 1_000_000;
  const timestamp = Math.round(((fragment.timestamp ?? blocks[0]?.timestamp ?? 0) * 1000) / scale);
  const children = [
    writeElement(Mkv.Timestamp, timestamp),
    ...blocks.map((block) => writeBlock(block, timestamp, scale)),
  ];
  const unknownSize = options.unknownSizeCluster === true;
  return master(Mkv.Cluster, children, { ...options, unknownSize }, options.crc === true);
}

function writeTag(tags: readonly TagPair[], options: EbmlWriteMasterOptions): Uint8Array {
  const { sizeLength } = options;
  const simpleTags = tags.map(([name, value]) =>
    master(Mkv.SimpleTag, [writeElement(Mkv.TagName, name), writeElement(Mkv.TagString, value)], { sizeLength }),
  );
  return master(Mkv.Tag, simpleTags, { sizeLength });
}

/** A SeekHead before `gap` other bytes and the parts. Positions count from the first byte of the Segment's data. */
function writeSeekHead(
  parts: readonly (readonly [MkvMasterType, Uint8Array])[],
  gap: number,
  options: GetMediaWriteOptions,
): Uint8Array {
  const write = (positions: readonly number[]) => {
    const seeks = parts.map(([type], index) =>
      writeMaster(Mkv.Seek, [
        writeElement(Mkv.SeekID, writeHeader(type, 0).slice(0, -1)),
        writeHeader(Mkv.SeekPosition, 8),
        fixedUint64(positions[index] ?? 0),
      ]),
    );
    return master(Mkv.SeekHead, seeks, options, options.crc === true);
  };
  let position = write([]).length + gap;
  const positions = parts.map(([, bytes]) => {
    const here = position;
    position += bytes.length;
    return here;
  });
  return write(positions);
}

function fixedUint64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}

function master(
  type: MkvMasterType,
  children: readonly Uint8Array[],
  options: EbmlWriteMasterOptions,
  crc = false,
): Uint8Array {
  const { sizeLength } = options;
  // Only a Cluster may be of unknown size; the other masters are given the whole of the document's options.
  const unknownSize = type === Mkv.Cluster && options.unknownSize === true;
  if (!crc) return writeMaster(type, children, { sizeLength, unknownSize });
  const content = concatBytes(children);
  return writeMaster(type, [writeCrcElement(content), content], { sizeLength, unknownSize });
}

/** Seconds since 1970 with three decimals, as the service writes them. */
function decimalSeconds(moment: Moment): string {
  const milliseconds = Math.round(typeof moment === 'number' ? moment : moment.getTime());
  const seconds = Math.floor(milliseconds / 1000);
  return `${seconds}.${String(milliseconds - seconds * 1000).padStart(3, '0')}`;
}
