import type { ImageFormat } from '../decode/image-library.js';
import { readPictures } from '../decode/read-pictures.js';
import { readFragments } from '../fragments/read.js';
import { most } from '../mkv/extremes.js';
import { requireRetention } from './fragment-selection.js';
import { integer, invalid, type JsonInput, moment, named, objectIn, oneOf } from './json-input.js';
import type { LocalStream, StoredFragment } from './local-stream.js';
import type { Service } from './service.js';
import { documentOf } from './stored-document.js';

/** In milliseconds. */
const LONGEST_RANGE = 300_000;
const USUAL_INTERVAL = 3000;
const LEAST_INTERVAL = 200;
const LONGEST_INTERVAL = 20_000;
/** How many images a page has at most. */
const PAGE = 25;

/** Which pictures are wanted, and how. */
interface ImagesRequest {
  readonly by: 'producerTimestamp' | 'serverTimestamp';
  readonly start: number;
  readonly end: number;
  readonly interval: number;
  readonly format: ImageFormat;
  readonly quality: number | undefined;
  readonly width: number | undefined;
  readonly height: number | undefined;
}

/** An image as the answer has it. */
interface Image {
  readonly TimeStamp: number;
  /** Base64. */
  readonly ImageContent?: string;
  readonly Error?: 'NO_MEDIA' | 'MEDIA_ERROR';
}

/** GetImages: pictures at times of a range, one for each interval. */
export async function getImages(service: Service, input: JsonInput): Promise<object> {
  const stream = named(service, input);
  const request = readRequest(input);
  requireRetention(stream);
  const page = Math.min(PAGE, integer(input, 'MaxResults', 1, 100) ?? PAGE);
  const from = readToken(input['NextToken'], request);
  const times: number[] = [];
  for (let time = request.start + from * request.interval; time <= request.end; time += request.interval) {
    if (times.length > page) break;
    times.push(time);
  }
  const images = await imagesAt(stream, times.slice(0, page), request);
  return { Images: images, ...(times.length > page ? { NextToken: writeToken(from + page, request) } : {}) };
}

function readRequest(input: JsonInput): ImagesRequest {
  const start = moment(input['StartTimestamp'], 'StartTimestamp');
  const end = moment(input['EndTimestamp'], 'EndTimestamp');
  if (end <= start) throw invalid('EndTimestamp must be after StartTimestamp.');
  if (end - start > LONGEST_RANGE) throw invalid('The range must not be longer than 300 seconds.');
  const { ImageSelectorType, Format } = input;
  if (ImageSelectorType === undefined) throw invalid('ImageSelectorType is missing.');
  if (Format === undefined) throw invalid('Format is missing.');
  const selector = oneOf(input, 'ImageSelectorType', ['PRODUCER_TIMESTAMP', 'SERVER_TIMESTAMP'], 'SERVER_TIMESTAMP');
  const format = oneOf(input, 'Format', ['JPEG', 'PNG'], 'JPEG');
  const width = integer(input, 'WidthPixels', 1, 3840);
  const height = integer(input, 'HeightPixels', 1, 2160);
  if (width !== undefined && height === undefined) throw invalid('WidthPixels needs HeightPixels.');
  return {
    by: selector === 'PRODUCER_TIMESTAMP' ? 'producerTimestamp' : 'serverTimestamp',
    start,
    end,
    interval: integer(input, 'SamplingInterval', LEAST_INTERVAL, LONGEST_INTERVAL) ?? USUAL_INTERVAL,
    format: format === 'JPEG' ? 'jpeg' : 'png',
    quality: readQuality(input['FormatConfig']),
    width,
    height,
  };
}

function readQuality(value: unknown): number | undefined {
  const config = objectIn(value, 'FormatConfig') ?? {};
  const { JPEGQuality: text, ...others } = config;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw invalid(`${JSON.stringify(unknown)} is no key of FormatConfig.`);
  if (text === undefined) return undefined;
  const quality = typeof text === 'string' && /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (quality < 1 || quality > 100) throw invalid('JPEGQuality must be 1 to 100.');
  return quality;
}

/** A token goes on with the request that it came from. */
function writeToken(from: number, request: ImagesRequest): string {
  return Buffer.from(JSON.stringify([from, request])).toString('base64');
}

function readToken(token: unknown, request: ImagesRequest): number {
  if (token === undefined) return 0;
  const text = Buffer.from(String(token), 'base64').toString();
  const from = Number(/^\[(\d{1,9}),/.exec(text)?.[1]);
  if (text !== JSON.stringify([from, request])) throw invalid('NextToken is not valid.');
  return from;
}

/** An image for each time, in order. */
async function imagesAt(
  stream: LocalStream,
  times: readonly number[],
  request: ImagesRequest,
): Promise<readonly Image[]> {
  const wanted = new Map<StoredFragment, number[]>();
  for (const time of times) {
    const fragment = stream.fragments.find(
      (each) =>
        each.media.length > 0 && each[request.by] <= time && time < each[request.by] + Math.max(1, each.duration),
    );
    if (fragment !== undefined) wanted.set(fragment, [...(wanted.get(fragment) ?? []), time]);
  }
  const made = new Map<number, Image>();
  for (const [fragment, own] of wanted) {
    for (const image of await imagesOf(fragment, own, request)) made.set(image.TimeStamp, image);
  }
  return times.map((time) => made.get(time / 1000) ?? { TimeStamp: time / 1000, Error: 'NO_MEDIA' });
}

async function imagesOf(
  fragment: StoredFragment,
  times: readonly number[],
  request: ImagesRequest,
): Promise<readonly Image[]> {
  const document = documentOf(fragment);
  const made = new Map<number, string>();
  const shown = new Map<number, number>();
  try {
    for await (const { frames, clusterTimestamp = 0 } of readFragments(document)) {
      const pictures = frames.filter(({ track }) => track.number === 1 && track.type === 'video');
      for (const time of times) {
        const at = clusterTimestamp + (time - fragment[request.by]) * 1000;
        const first = pictures.reduce((least, { timestamp }) => Math.min(least, timestamp), Number.POSITIVE_INFINITY);
        const before = pictures.filter(({ timestamp }) => timestamp <= at).map(({ timestamp }) => timestamp);
        shown.set(time, Math.max(Math.min(first, at), most(before)));
      }
    }
    const { width, height, quality } = request;
    const last = most([...shown.values()]);
    const options = {
      ...(width === undefined ? {} : { width }),
      ...(height === undefined ? {} : { height }),
      ...(quality === undefined || request.format === 'png' ? {} : { quality }),
    };
    for await (const picture of readPictures(document, { track: 1 })) {
      if (![...shown.values()].includes(picture.timestamp)) continue;
      const bytes = await picture.encode(request.format, options);
      made.set(picture.timestamp, Buffer.from(bytes).toString('base64'));
      if (picture.timestamp >= last) break;
    }
  } catch {
    // What has no image by now cannot be decoded.
  }
  return times.map((time) => {
    const content = made.get(shown.get(time) ?? Number.NaN);
    return content === undefined
      ? { TimeStamp: time / 1000, Error: 'MEDIA_ERROR' }
      : { TimeStamp: time / 1000, ImageContent: content };
  });
}
