import type { AacConfig } from './aac.js';

/** How samples are written: 16 bits, little-endian, or G.711 in a byte each. */
export type PcmCoding = 's16' | 'ulaw' | 'alaw';

/** Samples that no decoder is needed for, the channels in turn. */
export interface PcmFormat {
  readonly coding: PcmCoding;
  /** Samples per second. */
  readonly sampleRate: number;
  readonly channels: number;
  /** What it is known by: the producer's tag, how many bytes come in a second, or nothing better than what is usual. What bears it out later is noted here. */
  basis: 'tag' | 'times' | 'guess';
}

/** What a format is chosen by. */
export interface PcmSigns {
  /** The producer's tag MimeType, for example `audio/L16;rate=8000;channels=1;`. */
  readonly mimeType: string | undefined;
  /** The Audio master. */
  readonly audio: { readonly samplingFrequency: number; readonly channels: number } | undefined;
  /** What CodecPrivate says, taken for an AudioSpecificConfig. */
  readonly config: AacConfig | undefined;
  /** By the times of the frames. */
  readonly bytesPerSecond: number | undefined;
}

type Shape = Pick<PcmFormat, 'sampleRate' | 'channels'> & { readonly coding?: PcmCoding };

/** Amazon Connect's, and those of other telephony; then the usual ones. */
const TELEPHONE: Shape = { sampleRate: 8000, channels: 1 };
const USUAL: readonly Shape[] = [
  TELEPHONE,
  { sampleRate: 16_000, channels: 1 },
  { sampleRate: 8000, channels: 2 },
  ...[16_000, 11_025, 22_050, 24_000, 32_000, 44_100, 48_000].flatMap((sampleRate) =>
    [1, 2].map((channels) => ({ sampleRate, channels })),
  ),
];
/** Telephony does not go beyond. */
const WIDE_BAND = 16_000;
/** Times have jitter. */
const TOLERANCE = 0.1;

/**
 * Chooses the format of samples that a track's label does not tell of.
 *
 * @param known what was chosen before; given back where there is nothing better
 */
export function choosePcm(known: PcmFormat | undefined, signs: PcmSigns): PcmFormat {
  const { audio, config, bytesPerSecond } = signs;
  const tagged = readMimeType(signs.mimeType);
  const said = audio === undefined ? undefined : { sampleRate: audio.samplingFrequency, channels: audio.channels };
  const master = said !== undefined && isSound(said) ? said : undefined;
  const coded: Shape | undefined =
    config?.channels === undefined ? undefined : { sampleRate: config.samplingFrequency, channels: config.channels };
  if (tagged !== undefined) return renew(known, tagged, 'tag');
  if (known !== undefined && known.basis !== 'guess') return known;
  const plain = coded !== undefined && coded.channels === 1 && coded.sampleRate <= WIDE_BAND ? coded : undefined;
  if (bytesPerSecond !== undefined) {
    const candidates = [master, plain, TELEPHONE, coded, ...USUAL];
    const found = candidates.find((each) => each !== undefined && comesTo(each, bytesPerSecond));
    if (found !== undefined) return renew(known, found, 'times');
  }
  return known ?? renew(known, master ?? plain ?? TELEPHONE, 'guess');
}

/** Whether so many bytes in a second are those of a usual format. */
export function isUsualRate(bytesPerSecond: number | undefined): boolean {
  return bytesPerSecond !== undefined && USUAL.some((shape) => comesTo(shape, bytesPerSecond));
}

/** Whether there can be such samples: an Audio master can say anything. */
function isSound({ sampleRate, channels }: Shape): boolean {
  return sampleRate >= 1 && Number.isFinite(sampleRate) && channels >= 1;
}

function comesTo({ sampleRate, channels, coding }: Shape, bytesPerSecond: number): boolean {
  return Math.abs(sampleRate * channels * bytesOf(coding) - bytesPerSecond) <= TOLERANCE * bytesPerSecond;
}

/** How many bytes a sample has. */
export function bytesOf(coding: PcmCoding = 's16'): number {
  return coding === 's16' ? 2 : 1;
}

function renew(known: PcmFormat | undefined, shape: Shape, basis: PcmFormat['basis']): PcmFormat {
  const { sampleRate, channels, coding = 's16' } = shape;
  const isSame = known?.sampleRate === sampleRate && known.channels === channels && known.coding === coding;
  if (known === undefined || !isSame) return { coding, sampleRate, channels, basis };
  known.basis = basis;
  return known;
}

/** RFC 2586, and RFC 3551 sections 4.5.14 and 6 with RFC 4856. */
const CODINGS: ReadonlyMap<string, PcmCoding> = new Map([
  ['audio/l16', 's16'],
  ['audio/pcmu', 'ulaw'],
  ['audio/pcma', 'alaw'],
]);

/** Reads a MIME type of samples; parameters that it lacks are telephony's. */
function readMimeType(text: string | undefined): Shape | undefined {
  const [type = '', ...parameters] = (text ?? '').toLowerCase().split(';', 8);
  const coding = CODINGS.get(type.trim());
  if (coding === undefined) return undefined;
  const values = new Map(parameters.map((each) => each.split('=', 2).map((part) => part.trim()) as [string, string]));
  const sampleRate = numberOf(values.get('rate'), 768_000) ?? TELEPHONE.sampleRate;
  return { coding, sampleRate, channels: numberOf(values.get('channels'), 32) ?? 1 };
}

function numberOf(text: string | undefined, most: number): number | undefined {
  const value = /^\d{1,6}$/.test(text ?? '') ? Number(text) : 0;
  return value > 0 && value <= most ? value : undefined;
}

/** What a MIME type says samples to be; `undefined` when it says something else. */
export function saidCoding(mimeType: string | undefined): PcmCoding | undefined {
  return readMimeType(mimeType)?.coding;
}

/** Whether so many bytes in a second are those that a MIME type says. */
export function isSaidRate(mimeType: string | undefined, bytesPerSecond: number | undefined): boolean {
  const said = readMimeType(mimeType);
  return said !== undefined && bytesPerSecond !== undefined && comesTo(said, bytesPerSecond);
}
