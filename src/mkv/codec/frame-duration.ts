import type { FormatTrack, MediaFormat } from './media-format.js';
import { bytesOf } from './pcm-format.js';
import { waveTag } from './wave-format.js';

/** A frame, as far as it is looked at here. */
interface SizedFrame {
  readonly size: number;
  /** Its first bytes: at least so many, or all. */
  head(least: number): Uint8Array;
}

const HEAD = 16;

/**
 * How long a frame of audio lasts, in microseconds, by its codec: Opus, AAC, MP3 and the other layers, AC-3, E-AC-3, Vorbis, FLAC, PCM, G.711.
 *
 * @param format of its track
 * @param before the frame before it, where that is known: of Vorbis, how much a frame gives depends on it
 * @returns `undefined` for other codecs and where the frame or the track does not say
 */
export function codecDuration(
  track: FormatTrack,
  format: MediaFormat,
  frame: SizedFrame,
  before?: SizedFrame,
): number | undefined {
  // Of no channels, a frame has no end of samples; at less than one in a second, there is no sound.
  const samples = (count: number | undefined, rate: number | undefined) =>
    count !== undefined && rate !== undefined && count > 0 && count < Number.POSITIVE_INFINITY && rate >= 1
      ? (count * 1e6) / rate
      : undefined;
  const { pcm, aac, codec } = format;
  if (frame.size === 0) return undefined;
  if (pcm !== undefined) return samples(frame.size / (bytesOf(pcm.coding) * pcm.channels), pcm.sampleRate);
  if (aac !== undefined) {
    if (aac.info === undefined) return undefined;
    const blocks = aac.adts ? ((frame.head(HEAD)[6] ?? 0) & 3) + 1 : 1;
    return samples(blocks * aac.info.frameLength, aac.info.samplingFrequency);
  }
  const { audio, codecId, codecPrivate } = track;
  const rate = audio?.samplingFrequency;
  const head = frame.head(HEAD);
  switch (codec) {
    case 'opus':
      return opusDuration(head);
    case 'ac-3':
      return samples(1536, AC3_RATES[head[4]! >> 6]);
    case 'ec-3':
      return eac3Duration(head);
    case 'flac':
      return samples(flacSamples(head), flacRate(codecPrivate) ?? rate);
    case 'vorbis': {
      const setup = vorbisSetup(codecPrivate);
      return setup === undefined ? undefined : samples(vorbisSamples(setup, head, before?.head(HEAD)), setup.rate);
    }
    case 'acm':
      return waveDuration(codecPrivate, frame.size);
    default:
  }
  if (codecId.startsWith('A_MPEG/L')) {
    const said = mpegAudio(head);
    return samples(said?.samples, said?.rate);
  }
  if (codecId.startsWith('A_PCM/')) {
    return samples(frame.size / ((audio?.channels ?? 1) * Math.ceil((audio?.bitDepth ?? 16) / 8)), rate);
  }
  return undefined;
}

/** Of Opus, by its first bytes (RFC 6716 section 3.1). */
function opusDuration(head: Uint8Array): number | undefined {
  const [toc = 0, second] = head;
  const config = toc >> 3;
  const index = config & 3;
  const frame = config < 12 ? [10, 20, 40, 60][index]! : config < 16 ? [10, 20][config & 1]! : [2.5, 5, 10, 20][index]!;
  const code = toc & 3;
  const count = code === 0 ? 1 : code < 3 ? 2 : second === undefined ? 0 : second & 63;
  // No packet has more.
  return count > 0 && frame * count <= 120 ? frame * count * 1000 : undefined;
}

const AC3_RATES = [48_000, 44_100, 32_000];
const EAC3_BLOCKS = [1, 2, 3, 6];

/** Of E-AC-3, by the beginning of its bsi (ETSI TS 102 366 section E.1.2). */
function eac3Duration(head: Uint8Array): number | undefined {
  const byte = head[4];
  if (byte === undefined) return undefined;
  const code = byte >> 6;
  // A syncframe of the older form in the same track.
  if ((head[5] ?? 0) >> 3 <= 10 && code < 3) return (1536 * 1e6) / AC3_RATES[code]!;
  const low = AC3_RATES[(byte >> 4) & 3];
  if (code === 3) return low === undefined ? undefined : (1536 * 1e6) / (low / 2);
  return (EAC3_BLOCKS[(byte >> 4) & 3]! * 256 * 1e6) / AC3_RATES[code]!;
}

/** Of MPEG audio, by its header (ISO/IEC 11172-3 section 2.4.1.3, ISO/IEC 13818-3). */
function mpegAudio(head: Uint8Array): { readonly samples: number; readonly rate: number } | undefined {
  const [sync, flags = 0, format = 0] = head;
  const version = (flags >> 3) & 3;
  const layer = 4 - ((flags >> 1) & 3);
  const index = (format >> 2) & 3;
  if (sync !== 0xff || flags < 0xe0 || version === 1 || layer === 4 || index === 3) return undefined;
  const rate = [44_100, 48_000, 32_000][index]! / (version === 3 ? 1 : version === 2 ? 2 : 4);
  const samples = layer === 1 ? 384 : layer === 3 && version !== 3 ? 576 : 1152;
  return { samples, rate };
}

/** Of FLAC, by the frame's header (RFC 9639 section 9.1). */
function flacSamples(head: Uint8Array): number | undefined {
  const [sync, second = 0, third = 0, , number = 0] = head;
  if (sync !== 0xff || second >> 1 !== 0x7c) return undefined;
  const code = third >> 4;
  if (code === 1) return 192;
  if (code >= 2 && code <= 5) return 576 << (code - 2);
  if (code >= 8) return 256 << (code - 8);
  // Behind the coded number, which is as long as its first byte says.
  const length = number < 0x80 ? 1 : Math.clz32(~(number << 24));
  const at = 4 + length;
  if (code === 6) return (head[at] ?? 0) + 1;
  return code === 7 ? (head[at] ?? 0) * 256 + (head[at + 1] ?? 0) + 1 : undefined;
}

/** The sampling frequency in STREAMINFO, which CodecPrivate begins with after `fLaC` and the header of the block. */
function flacRate(data: Uint8Array | undefined): number | undefined {
  if (data === undefined || data.length < 21 || data[0] !== 0x66) return undefined;
  return (data[18]! << 12) | (data[19]! << 4) | (data[20]! >> 4);
}

/** Of the formats of which a WAVEFORMATEX says how many bytes a sample has. */
function waveDuration(data: Uint8Array | undefined, size: number): number | undefined {
  if (data === undefined || data.length < 14) return undefined;
  if (![1, 3, 6, 7].includes(waveTag(data))) return undefined;
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const [channels, rate, align] = [view.getUint16(2, true), view.getUint32(4, true), view.getUint16(12, true)];
  const bytes = align > 0 ? align : channels;
  return bytes > 0 && rate > 0 ? ((size / bytes) * 1e6) / rate : undefined;
}

/** What of Vorbis' headers tells the length of its packets. */
interface VorbisSetup {
  readonly rate: number;
  /** Of a short window and of a long one, in samples. */
  readonly blocks: readonly [number, number];
  /** Of each mode, whether its window is a long one. */
  readonly long: readonly boolean[];
}

const setups = new WeakMap<Uint8Array, { readonly setup: VorbisSetup | undefined }>();

function vorbisSetup(data: Uint8Array | undefined): VorbisSetup | undefined {
  if (data === undefined) return undefined;
  let known = setups.get(data);
  if (known === undefined) {
    known = { setup: readVorbisSetup(data) };
    setups.set(data, known);
  }
  return known.setup;
}

/** Reads the first header and the end of the last one: the modes stand behind what cannot be passed over without reading all of it. */
function readVorbisSetup(data: Uint8Array): VorbisSetup | undefined {
  // Three headers, the lengths of the first two in Xiph's way.
  let at = 1;
  for (let header = 0; header < 2; header++) {
    while (data[at] === 255) at++;
    at++;
  }
  if (data[0] !== 2 || data.length < at + 30 || data[at] !== 1) return undefined;
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const rate = view.getUint32(at + 12, true);
  const sizes = data[at + 28]!;
  const long = vorbisModes(data);
  return long === undefined ? undefined : { rate, blocks: [1 << (sizes & 15), 1 << (sizes >> 4)], long };
}

const MODE_BITS = 41;

/**
 * The block flags of the modes (Vorbis I specification section 4.2.4), read from the end of the setup header: the framing bit, then for each
 * mode, the last one first, eight bits of mapping, 32 that are zero, and its flag; before them six bits with their number.
 */
function vorbisModes(data: Uint8Array): boolean[] | undefined {
  let end = data.length * 8 - 1;
  const bit = (at: number) => (data[at >> 3]! >> (at & 7)) & 1;
  while (end > 0 && bit(end) === 0) end--;
  // The last number that fits counts, as zeros of a mapping can pass for one.
  let found: boolean[] | undefined;
  const flags: boolean[] = [];
  for (let start = end - MODE_BITS; start >= 6 && flags.length < 64; start -= MODE_BITS) {
    const value = (from: number, count: number) => {
      let sum = 0;
      for (let i = count - 1; i >= 0; i--) sum = sum * 2 + bit(from + i);
      return sum;
    };
    if (value(start + 1, 32) !== 0 || value(start + 33, 8) > 63) break;
    flags.unshift(bit(start) === 1);
    if (value(start - 6, 6) + 1 === flags.length) found = [...flags];
  }
  return found;
}

function vorbisSamples(setup: VorbisSetup, head: Uint8Array, before: Uint8Array | undefined): number | undefined {
  const { blocks, long } = setup;
  const bits = 32 - Math.clz32(long.length - 1);
  const isLong = (byte: number) => long[(byte >> 1) & ((1 << bits) - 1)] === true;
  const [byte = 0] = head;
  // The first bit is set for headers.
  if ((byte & 1) === 1) return undefined;
  const current = isLong(byte);
  // A long window says what the one before it is.
  const previous = current ? ((byte >> (1 + bits)) & 1) === 1 : before?.[0] !== undefined && isLong(before[0]);
  return (blocks[current ? 1 : 0] + blocks[previous ? 1 : 0]) / 4;
}
