import { type AacConfig, adtsHeader, countAdtsFrames, parseAudioSpecificConfig } from '../mkv/codec/aac.js';
import { CodecDataError } from '../mkv/codec/codec-error.js';
import { isDelimiter } from '../mkv/codec/frame-data.js';
import type { NalFormat } from '../mkv/codec/media-format.js';
import { joinNals, type NalCodec, nalKind, splitNals } from '../mkv/codec/nal.js';
import { keyOf, nalConfigOf } from '../mkv/codec/nal-config.js';
import { knownLengthSize } from '../mkv/codec/nal-format.js';
import type { PcmCoding } from '../mkv/codec/pcm-format.js';
import { type CodecName, codecOf } from '../mkv/codec/track-codec.js';
import { waveTag } from '../mkv/codec/wave-format.js';
import type { TrackMetadata } from '../mkv/track.js';
import type { Frame } from '../visitors/frame.js';
import { seconds } from './text.js';

/** A frame as a file that other programs can read. */
export interface FrameFile {
  /** With its dot: `.h264`, `.h265`, `.jpg`, `.aac`, `.mp3`, `.ac3`, `.eac3`, `.pcm`, `.alaw`, `.mulaw`, `.bin`. */
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
        const where = frame === undefined ? '' : `, at ${seconds(frame.timestamp)}`;
        this.#tell(`frames of track ${track.number} are written unchanged${where}: ${error.message}`);
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
  const { codecId, codecPrivate, format } = track;
  const { nal, aac } = format;
  if (nal !== undefined) {
    // Says what is wrong of a CodecPrivate that nothing in the frames makes up for.
    if (nal.sets.sps.length === 0) nalConfigOf(track);
    return (frame) => annexB(frame, nal);
  }
  if (codecId === 'V_MJPEG') return named('.jpg');
  if (format.pcm !== undefined) return PCM_WRITERS[format.pcm.coding];
  if (codecId.startsWith('A_PCM/')) return PCM_WRITERS.s16;
  const tag = codecId === 'A_MS/ACM' && codecPrivate !== undefined ? waveTag(codecPrivate) : 0;
  if (tag === WAVE_PCM || tag === WAVE_FLOAT) return PCM_WRITERS.s16;
  if (tag === WAVE_ALAW) return PCM_WRITERS.alaw;
  if (tag === WAVE_ULAW) return PCM_WRITERS.ulaw;
  const codec = codecOf(codecId);
  const framed = codec === undefined ? undefined : FRAMED[codec];
  if (framed !== undefined) return named(framed);
  if ((codec !== 'aac' && tag !== WAVE_AAC) || format.loas) return asStored;
  if (aac?.adts === true) return (frame) => ({ extension: '.aac', data: frame.data });
  const config = aac?.info ?? parseAudioSpecificConfig(aac?.config ?? new Uint8Array(0));
  return (frame) => adts(frame, config);
}

const WAVE_PCM = 1;
const WAVE_FLOAT = 3;
const WAVE_ALAW = 6;
const WAVE_ULAW = 7;
const WAVE_AAC = 0xff;

/** Codecs whose frames say themselves where they begin, and are a stream behind each other. */
const FRAMED: Readonly<Partial<Record<CodecName, string>>> = { mp3: '.mp3', 'ac-3': '.ac3', 'ec-3': '.eac3' };

/** Samples behind each other. Float has the same name: what is in it has to be known anyway. */
const PCM_WRITERS: Readonly<Record<PcmCoding, FrameWriter>> = {
  s16: named('.pcm'),
  alaw: named('.alaw'),
  ulaw: named('.mulaw'),
};

/** Writes frames as they are. */
function named(extension: string): FrameWriter {
  return ({ data }) => ({ extension, data });
}

function adts({ data }: Frame, config: AacConfig): FrameFile {
  // One header is enough, also where frames with and without it are mixed.
  if (countAdtsFrames(data) > 0) return { extension: '.aac', data };
  const header = adtsHeader(config, data.length);
  const file = new Uint8Array(header.length + data.length);
  file.set(header);
  file.set(data, header.length);
  return { extension: '.aac', data: file };
}

/** Every key frame's file has them, so that little input must not become much output. */
const MOST_SET_BYTES = 4 * 1024;

/** In Annex B; a key frame begins with the parameter sets that hold and that it does not have itself. */
function annexB({ data, keyframe }: Frame, { codec, lengthSize, sets }: NalFormat): FrameFile {
  const units = splitNals(data, knownLengthSize(data, lengthSize));
  const extension = codec === 'h264' ? '.h264' : '.h265';
  if (keyframe) {
    const all = [...sets.vps, ...sets.sps, ...sets.pps];
    if (all.reduce((sum, { length }) => sum + length, 0) > MOST_SET_BYTES) {
      throw new CodecDataError(`parameter sets of more than ${MOST_SET_BYTES} bytes`);
    }
    const known = new Set(units.filter((unit) => unit.length <= MOST_SET_BYTES && isSet(codec, unit)).map(keyOf));
    const missing = all.filter((set) => !known.has(keyOf(set)));
    // An access unit delimiter stays the first of its access unit.
    const first = units[0] !== undefined && isDelimiter(codec, units[0]) ? 1 : 0;
    return { extension, data: joinNals([...units.slice(0, first), ...missing, ...units.slice(first)], 0) };
  }
  return { extension, data: joinNals(units, 0) };
}

function isSet(codec: NalCodec, unit: Uint8Array): boolean {
  const kind = nalKind(codec, unit[0] ?? 0);
  return kind === 'vps' || kind === 'sps' || kind === 'pps';
}
