import type { OutputRewrite } from '../merge/merge-options.js';
import { DecodeError } from './decode-error.js';
import type { MediaSource } from './media-frames.js';
import { type AudioSamples, type ReadAudioOptions, readAudio, type SampleFormat } from './read-audio.js';
import { littleEndian } from './sample-format.js';

/** The format of the samples of a WAV file. */
export interface WavFormat {
  /** How a sample is stored. */
  readonly format: SampleFormat;
  /** Samples of a channel per second. */
  readonly sampleRate: number;
  /** How many channels there are. */
  readonly numberOfChannels: number;
}

/** Stands for a length that is not known: readers take what comes up to the end. */
const UNKNOWN = 0xffffffff;
const TAGS: Readonly<Record<SampleFormat, number>> = { s16: 1, f32: 3 };
const BYTES: Readonly<Record<SampleFormat, number>> = { s16: 2, f32: 4 };
const EXTENSIBLE = 0xfffe;
/** The end of the SubFormat GUIDs of WAVEFORMATEXTENSIBLE, behind the format tag. */
const SUB_FORMAT = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];

/**
 * Creates the header of a WAV file, up to where the samples begin: 44 bytes for samples of 16 bits in one or two channels.
 *
 * @param dataBytes how many bytes of samples follow; `undefined`: it is not known, and the sizes are 0xFFFFFFFF
 * @throws RangeError when the file would not be below 4 GiB
 */
export function wavHeader({ format, sampleRate, numberOfChannels }: WavFormat, dataBytes?: number): Uint8Array {
  const isExtensible = numberOfChannels > 2;
  const formatSize = isExtensible ? 40 : format === 's16' ? 16 : 18;
  const factSize = format === 's16' ? 0 : 12;
  const header = new Uint8Array(28 + formatSize + factSize);
  const view = new DataView(header.buffer);
  const blockAlign = numberOfChannels * BYTES[format];
  const padding = dataBytes === undefined ? 0 : dataBytes % 2;
  const riffSize = dataBytes === undefined ? UNKNOWN : header.length - 8 + dataBytes + padding;
  if (riffSize > UNKNOWN) throw new RangeError('a WAV file is below 4 GiB');
  let at = 0;
  const text = (word: string) => {
    for (const letter of word) header[at++] = letter.charCodeAt(0);
  };
  const uint32 = (value: number) => {
    view.setUint32(at, value, true);
    at += 4;
  };
  const uint16 = (value: number) => {
    view.setUint16(at, value, true);
    at += 2;
  };
  text('RIFF');
  uint32(riffSize);
  text('WAVEfmt ');
  uint32(formatSize);
  uint16(isExtensible ? EXTENSIBLE : TAGS[format]);
  uint16(numberOfChannels);
  uint32(sampleRate);
  uint32(sampleRate * blockAlign);
  uint16(blockAlign);
  uint16(BYTES[format] * 8);
  if (formatSize > 16) uint16(formatSize - 18);
  if (isExtensible) {
    uint16(BYTES[format] * 8);
    // No channel is said to have a place.
    uint32(0);
    uint16(TAGS[format]);
    header.set(SUB_FORMAT, at);
    at += SUB_FORMAT.length;
  }
  if (factSize > 0) {
    text('fact');
    uint32(4);
    uint32(dataBytes === undefined ? UNKNOWN : dataBytes / blockAlign);
  }
  text('data');
  uint32(dataBytes ?? UNKNOWN);
  return header;
}

/**
 * Gives the sound of a source as a WAV file, as it arrives. The length is not known then: the sizes in the header are 0xFFFFFFFF, which
 * most readers take for "up to the end". Cancelling the stream ends the reading.
 *
 * Errors are those of {@link readAudio}; besides, `DecodeError` `NoTrack` when there is no sound at all.
 *
 * ```ts
 * const wav = wavStream(payload, { track: 'AUDIO_FROM_CUSTOMER' });
 * const response = new Response(wav, { headers: { 'content-type': 'audio/wav' } });
 * ```
 */
export function wavStream(source: MediaSource, options: ReadAudioOptions = {}): ReadableStream<Uint8Array> {
  const chunks = wavChunks(source, options);
  return new ReadableStream({
    async pull(controller) {
      const { value, done } = await chunks.next();
      if (done === true) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await chunks.return(undefined);
    },
  });
}

async function* wavChunks(source: MediaSource, options: ReadAudioOptions): AsyncGenerator<Uint8Array, undefined> {
  let hasBegun = false;
  for await (const audio of readAudio(source, options)) {
    if (!hasBegun) yield wavHeader(formatOf(audio, options));
    hasBegun = true;
    yield littleEndian(audio.data);
  }
  if (!hasBegun) throw new DecodeError('NoTrack', NO_SOUND);
  return undefined;
}

const NO_SOUND = 'there are no frames of audio in it';

function formatOf({ sampleRate, numberOfChannels }: AudioSamples, { format = 's16' }: ReadAudioOptions): WavFormat {
  return { format, sampleRate, numberOfChannels };
}

/** Options of {@link writeWav}. */
export interface WriteWavOptions extends ReadAudioOptions {
  /**
   * Is given, at the end, the header with the right sizes, to be written over the first bytes. Without it they stay 0xFFFFFFFF: the length
   * is not known.
   */
  readonly rewrite?: ((rewrite: OutputRewrite) => unknown) | undefined;
}

/** The result of {@link writeWav}. */
export interface WrittenWav extends WavFormat {
  /** Of the file. */
  readonly bytes: number;
  /** Of samples. */
  readonly dataBytes: number;
  /** Samples of each channel. */
  readonly numberOfFrames: number;
  /** In microseconds. */
  readonly duration: number;
}

/**
 * Writes the sound of a source as a WAV file.
 *
 * @param write is given the bytes of the file, in order; a promise that it returns is waited for
 * @throws RangeError when the file would not be below 4 GiB and its header is to be rewritten; else as {@link wavStream}
 */
export async function writeWav(
  source: MediaSource,
  write: (bytes: Uint8Array) => unknown,
  options: WriteWavOptions = {},
): Promise<WrittenWav> {
  let format: WavFormat | undefined;
  let headerBytes = 0;
  let dataBytes = 0;
  for await (const audio of readAudio(source, options)) {
    if (format === undefined) {
      format = formatOf(audio, options);
      const header = wavHeader(format);
      headerBytes = header.length;
      await write(header);
    }
    const bytes = littleEndian(audio.data);
    dataBytes += bytes.length;
    // It is known now, and not only at the end.
    if (options.rewrite !== undefined) wavHeader(format, dataBytes);
    await write(bytes);
  }
  if (format === undefined) throw new DecodeError('NoTrack', NO_SOUND);
  const bytesOfFrame = format.numberOfChannels * BYTES[format.format];
  const numberOfFrames = dataBytes / bytesOfFrame;
  if (options.rewrite !== undefined) await options.rewrite({ position: 0, bytes: wavHeader(format, dataBytes) });
  return {
    ...format,
    bytes: headerBytes + dataBytes,
    dataBytes,
    numberOfFrames,
    duration: (numberOfFrames * 1e6) / format.sampleRate,
  };
}
