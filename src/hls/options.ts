import type { WindowLimits } from './presentation.js';

/**
 * How a stream is played back, in the service's words: `'LIVE'` the newest fragments as they arrive, `'LIVE_REPLAY'` from the oldest one on
 * and growing, `'ON_DEMAND'` what there is.
 */
export type PlaybackMode = 'LIVE' | 'LIVE_REPLAY' | 'ON_DEMAND';
/**
 * Where HLS says that media does not continue: at each fragment (`'ALWAYS'`), nowhere (`'NEVER'`), or at gaps and overlaps of more than 50
 * ms (`'ON_DISCONTINUITY'`).
 */
export type DiscontinuityMode = 'ALWAYS' | 'NEVER' | 'ON_DISCONTINUITY';
/** Whose clock the times of fragments are of: `'PRODUCER_TIMESTAMP'` or `'SERVER_TIMESTAMP'`. */
export type FragmentSelectorType = 'PRODUCER_TIMESTAMP' | 'SERVER_TIMESTAMP';
/** Whether playlists have the value of each fragment: `'ALWAYS'` or `'NEVER'`. */
export type DisplayMode = 'ALWAYS' | 'NEVER';

/** Options for playlists and manifests. The names are those of GetHLSStreamingSessionURL and GetDASHStreamingSessionURL. */
export interface PlaybackOptions {
  /**
   * `LIVE` (default): the newest fragments, as they arrive. `LIVE_REPLAY`: from the first fragment on, each added after the time that it
   * lasts. `ON_DEMAND`: all fragments, listed when the last one has arrived.
   */
  readonly playbackMode?: PlaybackMode | undefined;
  /**
   * How many fragments playlists list, 1 or more: the newest; with `ON_DEMAND` the oldest, and reading stops behind them. `'all'`: no
   * limit. Default 5, with `ON_DEMAND` 1000, as at the service (whose limit is 5000).
   */
  readonly maxFragmentResults?: number | 'all' | undefined;
  /**
   * Where playlists have EXT-X-DISCONTINUITY. Default `ON_DISCONTINUITY`, with which players continue behind a gap; the service's default
   * depends on the selector. A change of a track's configuration always has one.
   */
  readonly discontinuityMode?: DiscontinuityMode | undefined;
  /** Add the time of each fragment: EXT-X-PROGRAM-DATE-TIME in HLS, `kvs:ts` of each `S` in DASH. Default `NEVER`. */
  readonly displayFragmentTimestamp?: DisplayMode | undefined;
  /** Add the number of each fragment: `kvs:fn` of each `S` in DASH. Default `NEVER`. */
  readonly displayFragmentNumber?: DisplayMode | undefined;
  /** The clock of that time. Default `PRODUCER_TIMESTAMP`. */
  readonly fragmentSelectorType?: FragmentSelectorType | undefined;
}

/** {@link PlaybackOptions} with all that was left open decided. */
export interface Playback {
  readonly mode: PlaybackMode;
  readonly fragments: number;
  readonly discontinuityMode: DiscontinuityMode;
  readonly showsTime: boolean;
  readonly showsNumber: boolean;
  readonly timeOf: 'producerTimestamp' | 'serverTimestamp';
  /** What low-latency playlists call the target duration of parts at least, in microseconds; `undefined` without parts. */
  readonly partTarget: number | undefined;
  /** Whether requests wait for what they ask for by name (RFC 8216bis section 6.2.5.2). */
  readonly blocks: boolean;
  /** Is put behind each address, with its question mark. */
  readonly query: string;
}

const DEFAULT_FRAGMENTS = { LIVE: 5, LIVE_REPLAY: 5, ON_DEMAND: 1000 } as const;

/** In microseconds: a gap or overlap up to this is none. */
export const JITTER = 50_000;
/** In microseconds: behind a gap of more a stretch of its own begins, since DASH players stay in a gap within a Period. */
export const LONG_GAP = 1_000_000;

/**
 * Decides what options leave open.
 *
 * @param partDuration in milliseconds
 * @param query is put behind each address
 * @throws RangeError when one is out of its range
 */
export function resolvePlayback(
  options: PlaybackOptions,
  partDuration: number | undefined,
  query: Readonly<Record<string, string>> = {},
): Playback {
  const text = new URLSearchParams(query).toString();
  const { playbackMode: mode = 'LIVE', discontinuityMode = 'ON_DISCONTINUITY' } = options;
  const { maxFragmentResults: most = DEFAULT_FRAGMENTS[mode] } = options;
  if (most !== 'all' && !(Number.isInteger(most) && most >= 1)) {
    throw new RangeError(`maxFragmentResults is ${most}: it must be an integer from 1, or 'all'`);
  }
  if (partDuration !== undefined && !(partDuration > 0 && partDuration <= 20_000)) {
    throw new RangeError(`partDuration is ${partDuration}: it must be milliseconds from above 0 to 20000`);
  }
  return {
    mode,
    fragments: most === 'all' ? Number.POSITIVE_INFINITY : most,
    discontinuityMode,
    showsTime: options.displayFragmentTimestamp === 'ALWAYS',
    showsNumber: options.displayFragmentNumber === 'ALWAYS',
    timeOf: options.fragmentSelectorType === 'SERVER_TIMESTAMP' ? 'serverTimestamp' : 'producerTimestamp',
    partTarget: mode === 'ON_DEMAND' || partDuration === undefined ? undefined : partDuration * 1000,
    blocks: mode !== 'ON_DEMAND',
    query: text === '' ? '' : `?${text}`,
  };
}

/** How many fragments are listed and kept besides: on demand all, and none that is not listed. */
export function limitsOf({ mode, fragments }: Playback): WindowLimits {
  if (mode === 'ON_DEMAND') return { listed: Number.POSITIVE_INFINITY, kept: 0 };
  return { listed: fragments, kept: fragments + 1 };
}

/** Where it is served, and for whom. */
export interface ServingOptions {
  readonly basePath?: string | undefined;
  readonly allowOrigin?: string | false | undefined;
}

/** {@link ServingOptions} as a handler takes them. */
export function resolveServing({ basePath = '', allowOrigin = '*' }: ServingOptions) {
  return { basePath: basePath.replace(/\/+$/, ''), allowOrigin: allowOrigin === false ? undefined : allowOrigin };
}
