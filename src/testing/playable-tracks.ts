import { readFragments } from '../fragments/read.js';
import type { TrackMetadata } from '../mkv/track.js';
import { ServiceError, type ServiceErrorType } from './service-error.js';

/** What is to be made of tracks. */
export type PlaybackTarget = 'HLS' | 'DASH' | 'GetClip';

const VIDEO: Readonly<Record<string, 'h264' | 'h265'>> = {
  'V_MPEG/ISO/AVC': 'h264',
  'V_MPEG4/ISO/AVC': 'h264',
  'V_MPEGH/ISO/HEVC': 'h265',
};
const WITH_ALAW: readonly PlaybackTarget[] = ['DASH', 'GetClip'];

/**
 * Refuses media that the service does not play (its developer guide, "Video playback track requirements").
 *
 * @param document a fragment
 * @throws ServiceError MissingCodecPrivateDataException, InvalidCodecPrivateDataException, UnsupportedStreamMediaTypeException
 */
export async function requirePlayable(document: Uint8Array, target: PlaybackTarget): Promise<void> {
  let tracks: readonly TrackMetadata[] = [];
  for await (const fragment of readFragments(document, { recover: true }))
    if (tracks.length === 0) ({ tracks } = fragment);
  const media = tracks.filter(({ type }) => type === 'video' || type === 'audio').sort((a, b) => a.number - b.number);
  const [first, second, ...others] = media;
  if (first === undefined || others.length > 0)
    throw refuse('UnsupportedStreamMediaType', 'there must be one or two tracks');
  const video = VIDEO[first.codecId];
  if (video === undefined) {
    const isSound = first.codecId === 'A_AAC' && second === undefined && target !== 'GetClip';
    if (!isSound) throw refuse('UnsupportedStreamMediaType', `${target} does not take ${first.codecId} in track 1`);
    return requireCodecPrivate(first);
  }
  requireCodecPrivate(first);
  // AVCC and HVCC begin with their version; a start code would be Annex B.
  if ((first.codecPrivate?.[0] ?? 0) > 1 || startsWithStartCode(first.codecPrivate)) {
    throw refuse('InvalidCodecPrivateData', 'the CodecPrivate of track 1 is not AVCC or HVCC');
  }
  if (first.format.nal?.record === undefined)
    throw refuse('InvalidCodecPrivateData', 'the CodecPrivate of track 1 cannot be read');
  if (second === undefined) return;
  const isAac = second.codecId === 'A_AAC';
  const wave = second.codecId === 'A_MS/ACM' && video === 'h264' ? second.format.codecString : undefined;
  const isWave = (wave === 'alaw' && WITH_ALAW.includes(target)) || (wave === 'ulaw' && target === 'DASH');
  if (!isAac && !isWave)
    throw refuse('UnsupportedStreamMediaType', `${target} does not take ${second.codecId} in track 2`);
  requireCodecPrivate(second);
}

function startsWithStartCode(bytes: Uint8Array | undefined): boolean {
  return bytes?.[0] === 0 && bytes[1] === 0 && (bytes[2] === 1 || (bytes[2] === 0 && bytes[3] === 1));
}

function requireCodecPrivate({ codecPrivate, number }: TrackMetadata): void {
  if (codecPrivate === undefined || codecPrivate.length === 0) {
    throw refuse('MissingCodecPrivateData', `track ${number} has no CodecPrivate`);
  }
}

function refuse(
  code: 'MissingCodecPrivateData' | 'InvalidCodecPrivateData' | 'UnsupportedStreamMediaType',
  text: string,
): ServiceError {
  const type: ServiceErrorType = `${code}Exception`;
  return new ServiceError(type, `${text}.`);
}
