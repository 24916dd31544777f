import { sameBytes } from '../ebml/bytes.js';
import type { TrackMetadata } from '../mkv/track.js';
import type { CheckedFragment } from './checked-fragment.js';
import { quote } from './finding.js';

/**
 * The service's ways to play a stream: `getClip` is GetClip, `hls` GetHLSStreamingSessionURL, `dash` GetDASHStreamingSessionURL,
 * `getImages` GetImages.
 */
export type PlaybackOperation = 'getClip' | 'hls' | 'dash' | 'getImages';

/** Which operations of the service would play the stream: GetClip, HLS and DASH sessions, GetImages. */
export type Playable = Readonly<Record<PlaybackOperation, boolean>>;

/** Why an operation would not play the stream: one sentence for each reason; empty if there is none. */
export type Obstacles = Readonly<Record<PlaybackOperation, readonly string[]>>;

const ALL: readonly PlaybackOperation[] = ['getClip', 'hls', 'dash', 'getImages'];
const WITH_SOUND: readonly PlaybackOperation[] = ['getClip', 'hls', 'dash'];
/** What frames must not contradict. */
const UNPLAYABLE: readonly string[] = ['CodecId', 'FrameFormat', 'AccessUnits'];

/** So many reasons are kept of each: a stream could make up any number. */
const MOST_REASONS = 20;

const NO_BYTES = new Uint8Array(0);

type Codec = 'h264' | 'h265' | 'aac' | 'alaw' | 'ulaw';

/** Which of them take the codec in track 2 beside that of track 1, by the developer guide. */
const SOUND_BESIDE: Readonly<Record<'h264' | 'h265', Readonly<Partial<Record<Codec, readonly PlaybackOperation[]>>>>> =
  {
    h264: { aac: ['getClip', 'hls', 'dash'], alaw: ['getClip', 'dash'], ulaw: ['dash'] },
    h265: { aac: ['getClip', 'hls', 'dash'] },
  };

/** Learns, fragment by fragment, which of the service's ways to play a stream would take it. */
export class Playability {
  readonly #reasons: Record<PlaybackOperation, Set<string>> = {
    getClip: new Set(),
    hls: new Set(),
    dash: new Set(),
    getImages: new Set(),
  };
  #before: readonly TrackMetadata[] | undefined;

  /** The next fragment. One without frames says nothing. */
  add(fragment: CheckedFragment): void {
    if (fragment.frames === 0) return;
    const tracks = [...fragment.tracks.values()]
      .map(({ metadata }) => metadata)
      .filter(({ type }) => type === 'video' || type === 'audio')
      .sort((a, b) => a.number - b.number);
    this.#checkCodecs(tracks);
    for (const track of tracks) this.#checkLabel(track);
    this.#checkChanges(tracks);
  }

  /** What is known after the last fragment. */
  get playable(): Playable {
    const { getClip, hls, dash, getImages } = this.obstacles;
    return {
      getClip: getClip.length === 0,
      hls: hls.length === 0,
      dash: dash.length === 0,
      getImages: getImages.length === 0,
    };
  }

  get obstacles(): Obstacles {
    const of = (operation: PlaybackOperation) =>
      this.#before === undefined ? ['the stream has no frames'] : [...this.#reasons[operation]];
    return { getClip: of('getClip'), hls: of('hls'), dash: of('dash'), getImages: of('getImages') };
  }

  #checkCodecs(tracks: readonly TrackMetadata[]): void {
    const first = tracks[0];
    const second = tracks[1];
    if (first === undefined) return;
    const codec = codecOf(first);
    const soundAlone = codec === 'aac' && second === undefined;
    if (codec !== 'h264' && codec !== 'h265') {
      const operations = soundAlone ? ALL.filter((operation) => operation !== 'dash') : ALL;
      this.#refuse(operations, `${describe(first)} is no video of H.264 or H.265`);
      return;
    }
    if (second === undefined) return;
    const sound = codecOf(second);
    const taken = sound === undefined ? [] : (SOUND_BESIDE[codec][sound] ?? []);
    const refused = WITH_SOUND.filter((operation) => !taken.includes(operation));
    this.#refuse(refused, `${describe(second)} is not played beside ${codec === 'h264' ? 'H.264' : 'H.265'}`);
  }

  /** The service believes CodecPrivate, and hands frames on as they are. */
  #checkLabel(track: TrackMetadata): void {
    const { label } = track;
    const { nal, aac } = track.format;
    const name = describe(track);
    const operations = track.type === 'video' ? ALL : WITH_SOUND;
    const isRead =
      (nal === undefined || (label.nal?.lengthSize ?? 0) > 0) && (aac === undefined || label.aac !== undefined);
    if (track.codecPrivate === undefined || track.codecPrivate.length === 0) {
      this.#refuse(operations, `${name} has no CodecPrivate`);
    } else if (!isRead) {
      this.#refuse(operations, `CodecPrivate of ${name} is not what the service reads`);
    }
    const { storage } = track.contentEncoding;
    if (storage !== 'plain') this.#refuse(operations, `the frames of ${name} are stored ${storage}`);
    for (const { rule, message } of track.disagreements) {
      if (UNPLAYABLE.includes(rule)) this.#refuse(operations, `${name}: ${message}`);
    }
  }

  #checkChanges(tracks: readonly TrackMetadata[]): void {
    const before = this.#before;
    this.#before = tracks;
    if (before === undefined) return;
    const isSame = (each: (a: TrackMetadata, b: TrackMetadata) => boolean) =>
      before.length === tracks.length && tracks.every((track, index) => each(track, before[index]!));
    if (!isSame((a, b) => a.number === b.number && (codecOf(a) ?? a.codecId) === (codecOf(b) ?? b.codecId))) {
      this.#refuse(ALL, 'the codecs or the set of tracks change');
    } else if (!isSame((a, b) => sameBytes(a.codecPrivate ?? NO_BYTES, b.codecPrivate ?? NO_BYTES))) {
      this.#refuse(['getClip', 'dash'], 'CodecPrivate changes');
    }
  }

  #refuse(operations: readonly PlaybackOperation[], reason: string): void {
    for (const operation of operations) {
      const reasons = this.#reasons[operation];
      if (reasons.size < MOST_REASONS) reasons.add(reason);
    }
  }
}

function codecOf({ codecString }: TrackMetadata): Codec | undefined {
  if (codecString === undefined) return undefined;
  if (/^avc[13]\./.test(codecString)) return 'h264';
  if (/^(hvc|hev)1\./.test(codecString)) return 'h265';
  if (codecString.startsWith('mp4a.40.')) return 'aac';
  return codecString === 'alaw' || codecString === 'ulaw' ? codecString : undefined;
}

function describe({ number, codecId, codecString }: TrackMetadata): string {
  return `track ${number} (${quote(codecId)}${codecString === undefined ? '' : `, ${codecString}`})`;
}
