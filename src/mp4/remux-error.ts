import type { TrackMetadata } from '../mkv/track.js';
import type { FragmentMetadata } from '../visitors/fragment-metadata.js';

/** Why media cannot go into MP4, in the words of Kinesis Video's GetClip, HLS and DASH. */
export type Mp4ErrorCode =
  /** A track has no CodecPrivate, and its first key frame no parameter sets. */
  | 'MissingCodecPrivateData'
  /** A track's CodecPrivate is not what its CodecID says. */
  | 'InvalidCodecPrivateData'
  /**
   * A frame is not what its codec says: the lengths of its NAL units don't add up, or it is half a sample of sound. Or its time, with
   * what is added to it, is 2^52 microseconds or ticks from 0 or more, and could not be counted exactly. Of a fragment that is left out:
   * a Block that cannot be read, or more frames than may be held.
   */
  | 'InvalidMediaFrame'
  /** A codec, or a way of storing frames, that is not remuxed; or no track at all that is. */
  | 'UnsupportedStreamMediaType'
  /** A track is declared and has no frames so far. */
  | 'NoFrames';

/** Media that cannot go into MP4. */
export class Mp4RemuxError extends Error {
  /** Always `Mp4RemuxError`. */
  override name = 'Mp4RemuxError';
  /** The kind of fault. */
  readonly code: Mp4ErrorCode;
  /** TrackNumber of the track, where it is one track's fault. */
  readonly trackNumber: number | undefined;
  /** The fragment's number, where it is of Kinesis Video Streams. */
  readonly fragmentNumber: string | undefined;

  /**
   * @param text what is wrong; the message adds track and fragment
   * @param where the `track` and the `fragment` at fault
   */
  constructor(
    code: Mp4ErrorCode,
    text: string,
    where: { readonly track?: TrackMetadata | undefined; readonly fragment?: FragmentMetadata | undefined },
  ) {
    const { track, fragment } = where;
    const places = [
      track === undefined ? '' : `track ${track.number}, ${track.codecId || 'no CodecID'}`,
      fragment?.fragmentNumber === undefined ? '' : `fragment ${fragment.fragmentNumber}`,
    ].filter((place) => place !== '');
    super(`${code}: ${text}${places.length === 0 ? '' : ` (${places.join('; ')})`}`);
    this.code = code;
    this.trackNumber = track?.number;
    this.fragmentNumber = fragment?.fragmentNumber;
  }
}
