import { sameBytes } from '../ebml/bytes.js';
import { type AacConfig, adtsHeader, parseAudioSpecificConfig } from '../mkv/codec/aac.js';
import { CodecDataError } from '../mkv/codec/codec-error.js';
import { decoderDescription } from '../mkv/codec/codec-string.js';
import { isAnnexB, joinNals, type NalCodec, splitNals } from '../mkv/codec/nal.js';
import { type NalConfig, nalConfigOf } from '../mkv/codec/nal-config.js';
import { codecOf } from '../mkv/codec/track-codec.js';
import { waveTag } from '../mkv/codec/wave-format.js';
import type { TrackMetadata } from '../mkv/track.js';
import type { Frame } from '../visitors/frame.js';

/** A frame as a file that other programs can read. */
export interface FrameFile {
  /** With its dot: `.h264`, `.h265`, `.jpg`, `.aac`, `.pcm`, `.bin`. */
  readonly extension: string;
  readonly data: Uint8Array;
}

/** What is made of the frames of one track. */
type FrameWriter = (frame: Frame) => FrameFile;

/** Makes files of frames. What its codec's file format has no way to say is written as it is stored, as `.bin`. */
export class FrameFiles {
  readonly #writers = new WeakMap<TrackMetadata, FrameWriter>();
  readonly #tell: (text: string) => void;

  /** @param tell is told, once for a track, why its frames are written as they are stored although their codec has a file format */
  constructor(tell: (text: string) => void) {
    this.#tell = tell;
  }

  /** The file of a frame. */
  make(frame: Frame): FrameFile {
    const { track } = frame;
    let write = this.#writers.get(track);
    if (write === undefined) {
      write = this.#trying(track, () => writerOf(track));
      this.#writers.set(track, write);
    }
    return write(frame);
  }

  #trying(track: TrackMetadata, choose: () => FrameWriter): FrameWriter {
    let told = false;
    const giveUp = (error: unknown, frame?: Frame): void => {
      if (!(error instanceof CodecDataError)) throw error;
      if (!told) {
        const where = frame === undefined ? '' : `, at ${frame.timestamp} us`;
        this.#tell(`frames of track ${track.number} are written as they are stored${where}: ${error.message}`);
      }
      told = true;
    };
    let write: FrameWriter;
    try {
      write = choose();
    } catch (error) {
      giveUp(error);
      return asStored;
    }
    return (frame) => {
      try {
        if (frame.storage !== 'plain') throw new CodecDataError(`they are ${frame.storage}`);
        return write(frame);
      } catch (error) {
        giveUp(error, frame);
        return asStored(frame);
      }
    };
  }
}

function asStored({ data }: Frame): FrameFile {
  return { extension: '.bin', data };
}

function writerOf(track: TrackMetadata): FrameWriter {
  const { codecId, codecPrivate } = track;
  const nals = nalConfigOf(track);
  if (nals !== undefined) return (frame) => annexB(frame, nals);
  if (codecId === 'V_MJPEG') return ({ data }) => ({ extension: '.jpg', data });
  if (codecId.startsWith('A_PCM/')) return pcm;
  const tag = codecId === 'A_MS/ACM' && codecPrivate !== undefined ? waveTag(codecPrivate) : 0;
  if (tag === WAVE_PCM || tag === WAVE_FLOAT) return pcm;
  if (codecOf(codecId) !== 'aac' && tag !== WAVE_AAC) return asStored;
  const config = parseAudioSpecificConfig(decoderDescription(track) ?? new Uint8Array(0));
  return (frame) => adts(frame, config);
}

const WAVE_PCM = 1;
const WAVE_FLOAT = 3;
const WAVE_AAC = 0xff;

function pcm({ data }: Frame): FrameFile {
  return { extension: '.pcm', data };
}

function adts({ data }: Frame, config: AacConfig): FrameFile {
  const header = adtsHeader(config, data.length);
  const file = new Uint8Array(header.length + data.length);
  file.set(header);
  file.set(data, header.length);
  return { extension: '.aac', data: file };
}

/** In Annex B; a key frame begins with the parameter sets of CodecPrivate that it does not have itself. */
function annexB({ data, keyframe }: Frame, config: NalConfig): FrameFile {
  const { codec } = config;
  let units = splitFrame(data, config.lengthSize);
  if (keyframe) {
    const missing = [...config.vps, ...config.sps, ...config.pps].filter(
      (set) => !units.some((unit) => sameBytes(unit, set)),
    );
    // An access unit delimiter stays the first of its access unit.
    const at = isDelimiter(codec, units[0]) ? 1 : 0;
    units = [...units.slice(0, at), ...missing, ...units.slice(at)];
  }
  return { extension: codec === 'h264' ? '.h264' : '.h265', data: joinNals(units, 0) };
}

/**
 * Lengths that add up are no chance, while 00 00 01 may begin a length as well as a start code; so lengths are tried first, also where
 * CodecPrivate is missing or in Annex B.
 */
function splitFrame(data: Uint8Array, lengthSize: number): Uint8Array[] {
  try {
    return splitNals(data, lengthSize === 0 ? USUAL_LENGTH_SIZE : lengthSize);
  } catch (error) {
    if (error instanceof CodecDataError && isAnnexB(data)) return splitNals(data, 0);
    throw error;
  }
}

const USUAL_LENGTH_SIZE = 4;

function isDelimiter(codec: NalCodec, unit: Uint8Array | undefined): boolean {
  const first = unit?.[0] ?? 0;
  return codec === 'h264' ? (first & 31) === 9 : ((first >> 1) & 63) === 35;
}
