/** What tells a track's codec: a `TrackMetadata` is one. */
export interface CodecTrack {
  /** The CodecID element. */
  readonly codecId: string;
  /** The CodecPrivate element's data. */
  readonly codecPrivate?: Uint8Array | undefined;
  readonly video?: { readonly pixelWidth?: number | undefined; readonly pixelHeight?: number | undefined } | undefined;
  readonly audio?: { readonly bitDepth?: number | undefined } | undefined;
}

/** Codecs that something here depends on. Other CodecIDs have none. */
export type CodecName =
  | 'h264'
  | 'h265'
  | 'vp8'
  | 'vp9'
  | 'av1'
  | 'aac'
  | 'opus'
  | 'vorbis'
  | 'flac'
  | 'mp3'
  | 'ac-3'
  | 'ec-3'
  | 'acm'
  | 'pcm-int'
  | 'pcm-float';

const CODECS: { readonly [codecId: string]: CodecName } = {
  'V_MPEG4/ISO/AVC': 'h264',
  'V_MPEG/ISO/AVC': 'h264',
  'V_MPEGH/ISO/HEVC': 'h265',
  V_VP8: 'vp8',
  V_VP9: 'vp9',
  V_AV1: 'av1',
  A_AAC: 'aac',
  A_OPUS: 'opus',
  A_VORBIS: 'vorbis',
  A_FLAC: 'flac',
  'A_MPEG/L3': 'mp3',
  A_AC3: 'ac-3',
  A_EAC3: 'ec-3',
  'A_MS/ACM': 'acm',
  'A_PCM/INT/LIT': 'pcm-int',
  'A_PCM/FLOAT/IEEE': 'pcm-float',
};

/** The codec of a CodecID; H.264's is spelled in two ways, and older AAC files have more than one name. */
export function codecOf(codecId: string): CodecName | undefined {
  if (codecId.startsWith('A_AAC/')) return 'aac';
  return Object.hasOwn(CODECS, codecId) ? CODECS[codecId] : undefined;
}
