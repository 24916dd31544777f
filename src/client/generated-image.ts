import { parseMoment } from './moment.js';

/** The parts of the S3 key of an image that the service has generated. */
export interface GeneratedImageKey {
  /** What the producer's tag AWS_KINESISVIDEO_IMAGE_PREFIX, or the stream's configuration, puts first; it may have any character. */
  readonly imagePrefix: string;
  /** The account's 12 digits. */
  readonly accountId: string;
  /** The stream that the image is of. It may have underscores. */
  readonly streamName: string;
  /** The time of the image, as the key has it: milliseconds since 1970. */
  readonly imageTimecode: number;
  /** What the service adds to make the key unique. */
  readonly randomId: string;
  /** `jpg`, `jpeg` or `png`, as it stands in the key. */
  readonly extension: string;
}

/** The S3 metadata of an image that the service has generated. */
export interface GeneratedImageMetadata {
  /** The number of its fragment. */
  readonly fragmentNumber: string | undefined;
  /** When the producer recorded it, exact to the millisecond. */
  readonly producerTimestamp: Date | undefined;
  /** When the service received it, exact to the millisecond. */
  readonly serverTimestamp: Date | undefined;
  /** What the producer's tag added, by names in lower case without `x-amz-meta-`, in order. */
  readonly tags: ReadonlyMap<string, string>;
}

/**
 * Splits the S3 key of a generated image: `ImagePrefix_AccountID_StreamName_ImageTimecode_RandomID.extension`. Prefix and name of the
 * stream may have underscores, so it is read from the right; the account is the last part of 12 digits that leaves a name behind it.
 *
 * @returns `undefined` when the key is none of an image of the service
 */
export function parseGeneratedImageKey(key: string): GeneratedImageKey | undefined {
  const end = /^(.*)_(\d{1,16})_([^_/.]+)\.([A-Za-z0-9]+)$/s.exec(key);
  if (end === null) return undefined;
  const [, front = '', timecode = '', randomId = '', extension = ''] = end;
  const parts = front.split('_');
  for (let at = parts.length - 2; at >= 0; at--) {
    const accountId = parts[at] ?? '';
    const streamName = parts.slice(at + 1).join('_');
    // The rest must be a name that the service gives streams.
    if (!/^\d{12}$/.test(accountId) || !/^[a-zA-Z0-9_.-]{1,256}$/.test(streamName)) continue;
    const imagePrefix = parts.slice(0, at).join('_');
    return { imagePrefix, accountId, streamName, imageTimecode: Number(timecode), randomId, extension };
  }
  return undefined;
}

const METADATA_PREFIX = 'x-amz-meta-';
const SERVICE_PREFIX = 'aws_kinesisvideo_';

/**
 * Reads the S3 metadata of a generated image.
 *
 * @param metadata names and values as S3 gives them: headers (`x-amz-meta-…`), or the SDK's `Metadata`, which has the names without that
 */
export function parseGeneratedImageMetadata(metadata: Readonly<Record<string, string>>): GeneratedImageMetadata {
  const service = new Map<string, string>();
  const tags = new Map<string, string>();
  for (const [header, value] of Object.entries(metadata)) {
    const name = header.toLowerCase().replace(METADATA_PREFIX, '');
    if (name.startsWith(SERVICE_PREFIX)) service.set(name.slice(SERVICE_PREFIX.length), value);
    else tags.set(name, value);
  }
  return {
    fragmentNumber: service.get('fragment_number'),
    producerTimestamp: parseMoment(service.get('producer_timestamp')),
    serverTimestamp: parseMoment(service.get('server_timestamp')),
    tags,
  };
}
