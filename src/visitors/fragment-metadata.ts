import { type MkvTag, TagList } from './tag.js';

/** An error that the service reports within the stream, when the HTTP status has long been sent. */
export interface StreamError {
  /** The operation that reports errors in this form: `'GetMedia'` with an id, `'GetMediaForFragmentList'` with a message. */
  readonly operation: 'GetMedia' | 'GetMediaForFragmentList';
  /**
   * The service's name for it, for example `KMS_KEY_ACCESS_DENIED`: as it came, or where only an id did, the one that the id has. Of an id
   * that is not known: the id for GetMediaForFragmentList, nothing for GetMedia.
   */
  readonly code: string;
  /** 3002, 4000, 4500 … 5000; see {@link GET_MEDIA_ERRORS}. */
  readonly id: number | undefined;
  /** What it means: the service's message, or what its developer guide says of the id. */
  readonly message: string | undefined;
}

/** The meaning of error ids inside a stream, from the service's developer guide: those of GetMedia and GetMediaForFragmentList. */
export const GET_MEDIA_ERRORS: Readonly<Record<number, string>> = {
  3002: 'error writing to the stream',
  4000: 'requested fragment not found',
  4500: 'access denied for the KMS key of the stream',
  4501: 'the KMS key of the stream is disabled',
  4502: 'validation error on the KMS key of the stream',
  4503: 'the KMS key of the stream is unavailable',
  4504: 'invalid usage of the KMS key of the stream',
  4505: 'invalid state of the KMS key of the stream',
  4506: 'the KMS key of the stream is not found',
  5000: 'internal error of the service',
};

/** Names for them: the service's own, and of 3002 and 4000, for which it has words alone, made of those. */
const ERROR_NAMES: ReadonlyMap<number, string> = new Map([
  [3002, 'STREAM_WRITE_ERROR'],
  [4000, 'FRAGMENT_NOT_FOUND'],
  [4500, 'KMS_KEY_ACCESS_DENIED'],
  [4501, 'KMS_KEY_DISABLED'],
  [4502, 'KMS_KEY_VALIDATION_ERROR'],
  [4503, 'KMS_KEY_UNAVAILABLE'],
  [4504, 'KMS_KEY_INVALID_USAGE'],
  [4505, 'KMS_KEY_INVALID_STATE'],
  [4506, 'KMS_KEY_NOT_FOUND'],
  [5000, 'INTERNAL_ERROR'],
]);

/** What the service says about a fragment, and the producer's tags. It is completed while the fragment is read. */
export interface FragmentMetadata {
  /** The fragment's number: a decimal string, see {@link compareFragmentNumbers}. Absent with some errors. */
  readonly fragmentNumber: string | undefined;
  /** When the service began to receive the fragment; exact to the millisecond. */
  readonly serverTimestamp: Date | undefined;
  /** When the producer began to record it; exact to the millisecond. */
  readonly producerTimestamp: Date | undefined;
  /**
   * The Timestamp of the fragment's first Cluster, in microseconds: what `producerTimestamp` and `serverTimestamp` are the wall clock of.
   * Known when that Cluster has begun, where elements are shown to what reads them.
   */
  readonly clusterTimestamp: number | undefined;
  /** How far, in milliseconds, the fragment is behind the newest one. Known after the fragment's frames. */
  readonly millisBehindNow: number | undefined;
  /** A token with which a later GetMedia continues behind this fragment. Known after the fragment's frames. */
  readonly continuationToken: string | undefined;
  /**
   * The producer's tags: all except the service's own, in order, with duplicates. Beyond 4 MiB, which the service does not allow, tags are
   * left out.
   */
  readonly tags: readonly MkvTag[];
  /** The error that the service reports inside the stream. */
  readonly error: StreamError | undefined;
}

/** A {@link FragmentMetadata} in the making. */
export class FragmentRecord implements FragmentMetadata {
  fragmentNumber: string | undefined;
  serverTimestamp: Date | undefined;
  producerTimestamp: Date | undefined;
  clusterTimestamp: number | undefined;
  millisBehindNow: number | undefined;
  continuationToken: string | undefined;
  readonly tagList = new TagList();
  error: StreamError | undefined;

  get tags(): readonly MkvTag[] {
    return this.tagList.tags;
  }
}

/**
 * Compares two fragment numbers by their value; for `sort`.
 *
 * @returns a negative number when `a` is the smaller, 0 when they are equal, a positive number when it is the larger
 */
export function compareFragmentNumbers(a: string, b: string): number {
  const left = a.replace(/^0+(?=\d)/, '');
  const right = b.replace(/^0+(?=\d)/, '');
  if (left.length !== right.length) return left.length - right.length;
  return left === right ? 0 : left < right ? -1 : 1;
}

/** What the names of all of the service's tags begin with. */
export const SERVICE_TAG_PREFIX = 'AWS_KINESISVIDEO_';

/** Puts down what a tag of the service's own says of its fragment. */
type ServiceTag = (record: FragmentRecord, value: string) => void;

const serverTimestamp: ServiceTag = (record, value) => {
  record.serverTimestamp = parseTimestamp(value);
};
const producerTimestamp: ServiceTag = (record, value) => {
  record.producerTimestamp = parseTimestamp(value);
};

/** Code and message of an error come in tags of their own. */
function addError(record: FragmentRecord, said: Partial<StreamError> & Pick<StreamError, 'operation'>): void {
  record.error = { ...NO_ERROR, ...record.error, ...said };
}

/** Names that are not here are the producer's, also those that begin with AWS. */
const SERVICE_TAGS: ReadonlyMap<string, ServiceTag> = new Map(
  Object.entries<ServiceTag>({
    FRAGMENT_NUMBER: (record, value) => {
      record.fragmentNumber = value;
    },
    SERVER_TIMESTAMP: serverTimestamp,
    SERVER_SIDE_TIMESTAMP: serverTimestamp,
    PRODUCER_TIMESTAMP: producerTimestamp,
    PRODUCER_SIDE_TIMESTAMP: producerTimestamp,
    MILLIS_BEHIND_NOW: (record, value) => {
      record.millisBehindNow = parseInteger(value);
    },
    CONTINUATION_TOKEN: (record, value) => {
      record.continuationToken = value;
    },
    ERROR_CODE: (record, value) => addError(record, { operation: 'GetMedia', code: value }),
    ERROR_ID: (record, value) => {
      const id = parseInteger(value);
      const code = record.error?.code || (ERROR_NAMES.get(id ?? 0) ?? '');
      addError(record, { operation: 'GetMedia', code, id, message: GET_MEDIA_ERRORS[id ?? 0] });
    },
    // An integer by the API's reference; names of exceptions have been seen in its place.
    EXCEPTION_ERROR_CODE: (record, value) => {
      const id = parseInteger(value);
      const code = ERROR_NAMES.get(id ?? 0) ?? value;
      const message = record.error?.message ?? GET_MEDIA_ERRORS[id ?? 0];
      addError(record, { operation: 'GetMediaForFragmentList', code, id, message });
    },
    EXCEPTION_MESSAGE: (record, value) => addError(record, { operation: 'GetMediaForFragmentList', message: value }),
  }).map(([name, tag]) => [SERVICE_TAG_PREFIX + name, tag]),
);

/** Whether a tag is one of the service's own, by its name. */
export function isServiceTag(name: string): boolean {
  return SERVICE_TAGS.has(name);
}

/** Names of the service's tags that say where they stand. */
export const ServiceTagName = {
  fragmentNumber: `${SERVICE_TAG_PREFIX}FRAGMENT_NUMBER`,
  millisBehindNow: `${SERVICE_TAG_PREFIX}MILLIS_BEHIND_NOW`,
  continuationToken: `${SERVICE_TAG_PREFIX}CONTINUATION_TOKEN`,
} as const;

/** Puts a tag where it belongs in the record. */
export function applyTag(record: FragmentRecord, tag: MkvTag): void {
  const serviceTag = SERVICE_TAGS.get(tag.name);
  if (serviceTag === undefined) record.tagList.add(tag);
  else serviceTag(record, tag.value);
}

const NO_ERROR = { code: '', id: undefined, message: undefined };

function parseInteger(text: string): number | undefined {
  const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(value) ? value : undefined;
}

const ZERO = 48;
/** Of the seconds that are read: as many as the most that a `Date` can hold have. */
const MAX_DIGITS = 13;
/** The most milliseconds before or after 1970 that a `Date` can hold. */
const LARGEST_DATE = 8.64e15;

/**
 * Seconds since 1970 as the service writes them, `1511852109.126`: taken apart as text, because a float of the seconds would be a
 * millisecond off now and then.
 */
export function parseTimestamp(text: string): Date | undefined {
  const negative = text.startsWith('-');
  let seconds = 0;
  let digits = 0;
  let milliseconds = 0;
  /** Digits behind the point; -1 before it. */
  let decimals = -1;
  for (let at = negative ? 1 : 0; at < text.length; at++) {
    const digit = text.charCodeAt(at) - ZERO;
    if (text[at] === '.' && decimals < 0) {
      decimals = 0;
    } else if (!(digit >= 0 && digit <= 9)) {
      return undefined;
    } else if (decimals < 0) {
      seconds = seconds * 10 + digit;
      digits++;
    } else if (decimals++ < 3) {
      milliseconds = milliseconds * 10 + digit;
    }
  }
  for (; decimals < 3; decimals++) milliseconds *= 10;
  const ms = seconds * 1000 + milliseconds;
  if (digits === 0 || digits > MAX_DIGITS || ms > LARGEST_DATE) return undefined;
  return new Date(negative ? -ms : ms);
}
