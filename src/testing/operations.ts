import { getImages } from './get-images.js';
import { invalid, type JsonInput, named } from './json-input.js';
import type { LocalStream, StoredFragment } from './local-stream.js';
import { openDashSession, openHlsSession } from './open-session.js';
import type { Service } from './service.js';
import { ServiceError } from './service-error.js';

/** Answers a request with JSON. @param host that the endpoint is called by */
export type JsonOperation = (service: Service, input: JsonInput, host: string) => object | Promise<object>;

/** The operations whose answer is JSON, by their names in the API. */
export const JSON_OPERATIONS: Readonly<Record<string, JsonOperation>> = {
  CreateStream: createStream,
  DeleteStream: (service, input) => {
    service.deleteStream(service.findStream(input.StreamName, input.StreamARN));
    return {};
  },
  DescribeStream: (service, input) => ({ StreamInfo: describe(named(service, input)) }),
  GetDASHStreamingSessionURL: openDashSession,
  GetDataEndpoint: getDataEndpoint,
  GetHLSStreamingSessionURL: openHlsSession,
  GetImages: getImages,
  ListFragments: listFragments,
  ListStreams: listStreams,
  UpdateDataRetention: updateDataRetention,
};

const API_NAMES = new Set([
  'PUT_MEDIA',
  'GET_MEDIA',
  'LIST_FRAGMENTS',
  'GET_MEDIA_FOR_FRAGMENT_LIST',
  'GET_HLS_STREAMING_SESSION_URL',
  'GET_DASH_STREAMING_SESSION_URL',
  'GET_CLIP',
  'GET_IMAGES',
]);

function createStream(service: Service, input: JsonInput): object {
  const { streams } = service.settings.limits;
  if (service.streams.size >= streams) {
    throw new ServiceError('AccountStreamLimitExceededException', `There are ${streams} streams already.`);
  }
  const { DataRetentionInHours: hours } = input;
  if (hours !== undefined && !isHours(hours, 0)) throw invalid('DataRetentionInHours must be 0 to 87600.');
  const stream = service.createStream(String(input.StreamName));
  if (typeof hours === 'number') stream.retentionHours = hours;
  return { StreamARN: stream.arn };
}

function getDataEndpoint(service: Service, input: JsonInput, host: string): object {
  const { APIName: api } = input;
  if (typeof api !== 'string' || !API_NAMES.has(api)) throw invalid(`${JSON.stringify(api)} is no APIName.`);
  named(service, input);
  return { DataEndpoint: `http://${host}${service.endpointPath}` };
}

function describe(stream: LocalStream): object {
  return {
    CreationTime: stream.creationTime / 1000,
    DataRetentionInHours: stream.retentionHours,
    MediaType: 'video/h264',
    Status: 'ACTIVE',
    StreamARN: stream.arn,
    StreamName: stream.name,
    Version: String(stream.version),
  };
}

/** Ten years, the most that the service keeps. */
const MOST_HOURS = 87_600;

function isHours(value: unknown, least: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= least && value <= MOST_HOURS;
}

function updateDataRetention(service: Service, input: JsonInput): object {
  const stream = named(service, input);
  const { CurrentVersion: version, DataRetentionChangeInHours: change, Operation: operation } = input;
  if (typeof version !== 'string') throw invalid('CurrentVersion is missing.');
  if (version !== String(stream.version)) {
    throw new ServiceError('VersionMismatchException', `The version of the stream is ${stream.version}.`);
  }
  if (!isHours(change, 1)) throw invalid('DataRetentionChangeInHours must be 1 to 87600.');
  if (operation !== 'INCREASE_DATA_RETENTION' && operation !== 'DECREASE_DATA_RETENTION') {
    throw invalid(`${JSON.stringify(operation)} is no Operation.`);
  }
  const hours = stream.retentionHours + (operation === 'INCREASE_DATA_RETENTION' ? change : -change);
  if (!isHours(hours, 0)) throw invalid(`The retention would be ${hours} hours.`);
  stream.retentionHours = hours;
  stream.version++;
  return {};
}

function listStreams(service: Service, input: JsonInput): object {
  const prefix = String(input.StreamNameCondition?.ComparisonValue ?? '');
  const names = [...service.streams.keys()].filter((name) => name.startsWith(prefix)).sort();
  const { page, nextToken } = paginate(names, input, 10_000, 'names');
  return {
    StreamInfoList: page.flatMap((name) => service.streams.get(name) ?? []).map(describe),
    ...(nextToken === undefined ? {} : { NextToken: nextToken }),
  };
}

function listFragments(service: Service, input: JsonInput): object {
  const stream = named(service, input);
  // A token goes on with the list that it came from: its selector counts, whether or not the call repeats one.
  const selector = input.NextToken === undefined ? input.FragmentSelector : selectorOfToken(input.NextToken);
  const isWanted = fragmentFilter(selector);
  // The service gives them in no particular order. Sorting by a hash of the number gives the same one for every page.
  const fragments = stream.fragments.filter(isWanted).sort((a, b) => disorder(a) - disorder(b));
  const { page, nextToken } = paginate(fragments, input, 100, JSON.stringify({ stream: stream.name, selector }));
  service.limits.listed(stream.name, page.length);
  return {
    Fragments: page.map((fragment) => ({
      FragmentLengthInMilliseconds: fragment.duration,
      FragmentNumber: fragment.fragmentNumber,
      FragmentSizeInBytes: fragment.head.length + fragment.media.length + fragment.tail.length,
      ProducerTimestamp: fragment.producerTimestamp / 1000,
      ServerTimestamp: fragment.serverTimestamp / 1000,
    })),
    ...(nextToken === undefined ? {} : { NextToken: nextToken }),
  };
}

function fragmentFilter(selector: JsonInput['FragmentSelector']): (fragment: StoredFragment) => boolean {
  if (selector === undefined) return () => true;
  const { FragmentSelectorType: type, TimestampRange: range } = selector;
  if (type !== 'PRODUCER_TIMESTAMP' && type !== 'SERVER_TIMESTAMP') {
    throw invalid(`${JSON.stringify(type)} is no FragmentSelectorType.`);
  }
  const start = Math.round(Number(range?.StartTimestamp) * 1000);
  const end = Math.round(Number(range?.EndTimestamp) * 1000);
  if (!(start <= end)) throw invalid('StartTimestamp must not be after EndTimestamp.');
  return (fragment) => {
    const time = type === 'PRODUCER_TIMESTAMP' ? fragment.producerTimestamp : fragment.serverTimestamp;
    return time >= start && time <= end;
  };
}

function disorder({ fragmentNumber }: StoredFragment): number {
  let hash = 0x811c9dc5;
  for (const digit of fragmentNumber) hash = Math.imul(hash ^ digit.charCodeAt(0), 0x01000193);
  return hash >>> 0;
}

/** A page of a list. The token says of which list it is and where to go on. */
function paginate<T>(
  list: readonly T[],
  input: JsonInput,
  defaultResults: number,
  scope: string,
): { page: readonly T[]; nextToken: string | undefined } {
  const { MaxResults: most = defaultResults, NextToken: token } = input;
  if (typeof most !== 'number' || !Number.isInteger(most) || most < 1 || most > Math.max(1000, defaultResults)) {
    throw invalid(`MaxResults must be from 1 to ${Math.max(1000, defaultResults)}.`);
  }
  let from = 0;
  if (token !== undefined) {
    const said = readToken(token);
    if (said.scope !== scope) throw invalid('NextToken is not valid.');
    from = said.from;
  }
  const to = from + most;
  const nextToken = to < list.length ? Buffer.from(`${scope} ${to}`).toString('base64') : undefined;
  return { page: list.slice(from, to), nextToken };
}

function readToken(token: unknown): { scope: string; from: number } {
  const match = /^(.*) (\d+)$/.exec(Buffer.from(String(token), 'base64').toString());
  if (match === null) throw invalid('NextToken is not valid.');
  return { scope: match[1] ?? '', from: Number(match[2]) };
}

function selectorOfToken(token: unknown): JsonInput['FragmentSelector'] {
  try {
    return JSON.parse(readToken(token).scope).selector;
  } catch {
    throw invalid('NextToken is not valid.');
  }
}
