import type { MkvTag } from '../visitors/tag.js';
import type { CheckedFragment } from './checked-fragment.js';
import { quote, type Report, seconds } from './finding.js';

/** Limits of the service, by its developer guide. */
const LIMITS = {
  /** In microseconds. */
  minDuration: 1_000_000,
  maxDuration: 20_000_000,
  /** In bytes. */
  maxSize: 50_000_000,
  tracks: 3,
  tags: 10,
  tagName: 128,
  tagValue: 256,
} as const;

/** Names that a producer may use though they begin with AWS: it asks the service for images and notifications with them. */
const PRODUCER_NAMES: readonly string[] = [
  'AWS_KINESISVIDEO_IMAGE_GENERATION',
  'AWS_KINESISVIDEO_IMAGE_PREFIX',
  'AWS_KINESISVIDEO_NOTIFICATION',
];

const encoder = new TextEncoder();

/** Holds a whole fragment against the limits of the service. */
export function checkLimits(fragment: CheckedFragment, isLast: boolean, report: Report): void {
  const { place, size } = fragment;
  if (size > LIMITS.maxSize) report('FragmentSize', place, `the fragment has ${size} bytes, more than 50 MB`);
  const { duration } = fragment;
  if (duration !== undefined && duration > LIMITS.maxDuration) {
    report('FragmentDuration', place, `the fragment lasts ${seconds(duration)}, more than 20 s`);
  } else if (duration !== undefined && duration < LIMITS.minDuration && fragment.frames > 1 && !isLast) {
    report('FragmentShort', place, `the fragment lasts ${seconds(duration)}, less than 1 s`);
  }
  const tracks = fragment.tracks.size;
  if (tracks > LIMITS.tracks)
    report('TrackCount', place, `the fragment has ${tracks} tracks, more than ${LIMITS.tracks}`);
  checkTags(fragment, report);
}

function checkTags({ place, tags, isKinesisVideo }: CheckedFragment, report: Report): void {
  // The tags of another file are whatever its maker put there.
  if (!isKinesisVideo) return;
  if (tags.length > LIMITS.tags) {
    report('TagCount', place, `the fragment has ${tags.length} tags of the producer, more than ${LIMITS.tags}`);
  }
  for (const tag of tags) checkTag(tag, (rule, text) => report(rule, place, text));
}

function checkTag({ name, value }: MkvTag, report: (rule: 'TagLength' | 'TagName', text: string) => void): void {
  const nameLength = encoder.encode(name).length;
  const valueLength = encoder.encode(value).length;
  if (nameLength > LIMITS.tagName) {
    report('TagLength', `the name of the tag ${quote(name)} has ${nameLength} bytes, more than ${LIMITS.tagName}`);
  }
  if (valueLength > LIMITS.tagValue) {
    report('TagLength', `the value of the tag ${quote(name)} has ${valueLength} bytes, more than ${LIMITS.tagValue}`);
  }
  if (name.startsWith('AWS') && !PRODUCER_NAMES.includes(name)) {
    report('TagName', `the name of the tag ${quote(name)} begins with AWS, which is the service's own`);
  }
}
