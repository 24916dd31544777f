import { BitReader } from './bit-reader.js';
import { CodecDataError } from './codec-error.js';

const SAMPLING_FREQUENCIES = [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350];

/** Audio object types whose frames are otherwise configured (ISO/IEC 14496-3 sections 4.4.1 and 4.6.20). */
const ER_AAC_LC = 17;
const ER_AAC_LD = 23;
const ER_AAC_ELD = 39;

/** What an AudioSpecificConfig says (ISO/IEC 14496-3 section 1.6.2.1). */
export interface AacConfig {
  /** The audio object type as it is stored: 2 AAC-LC, 5 with SBR, 29 with SBR and PS. */
  readonly objectType: number;
  /** The object type of the core stream: 2 also where `objectType` is 5 or 29. */
  readonly coreObjectType: number;
  /** Of the core stream, in Hz: the clock that its frames count on. */
  readonly samplingFrequency: number;
  /** Of what a decoder gives out, in Hz: twice the core's with SBR. */
  readonly outputSamplingFrequency: number;
  /** channelConfiguration, 0 to 15; 0 where the channels are listed one by one. */
  readonly channelConfiguration: number;
  /** How many channels the core stream has; `undefined` for a reserved configuration. */
  readonly channels: number | undefined;
  /** Whether spectral band replication is signalled, in either way. */
  readonly sbr: boolean;
  /** Whether parametric stereo is signalled, in either way. */
  readonly ps: boolean;
  /** Samples of the core stream in a frame: 1024, or 960; of the low-delay profiles 512, or 480. */
  readonly frameLength: number;
}

/**
 * Reads an AudioSpecificConfig: A_AAC's CodecPrivate.
 *
 * @throws CodecDataError when it is cut short or has a reserved sampling frequency
 */
export function parseAudioSpecificConfig(data: Uint8Array): AacConfig {
  const r = new BitReader(data);
  const readType = () => {
    const type = r.bits(5);
    return type === 31 ? 32 + r.bits(6) : type;
  };
  const readFrequency = () => {
    const index = r.bits(4);
    const value = index === 15 ? r.bits(24) : SAMPLING_FREQUENCIES[index];
    if (value === undefined || value === 0) throw new CodecDataError('an AAC configuration without sampling frequency');
    return value;
  };
  const objectType = readType();
  const samplingFrequency = readFrequency();
  let outputSamplingFrequency = samplingFrequency;
  const channelConfiguration = r.bits(4);
  let coreObjectType = objectType;
  let ps = objectType === 29;
  let sbr = objectType === 5 || ps;
  if (sbr) {
    outputSamplingFrequency = readFrequency();
    coreObjectType = readType();
  }
  const isLowDelay = coreObjectType === ER_AAC_LD || coreObjectType === ER_AAC_ELD;
  let frameLength = isLowDelay ? 512 : 1024;
  let channels = channelConfiguration === 7 ? 8 : channelConfiguration > 7 ? undefined : channelConfiguration;
  if ((isLowDelay || coreObjectType === ER_AAC_LC) && r.remaining >= 1) {
    if (r.bit() === 1) frameLength = isLowDelay ? 480 : 960;
  } else if (coreObjectType >= 1 && coreObjectType <= 4 && r.remaining >= 3) {
    if (r.bit() === 1) frameLength = 960;
    if (r.bit() === 1) r.skip(14);
    r.bit();
    if (channelConfiguration === 0) channels = readProgramConfig(r);
    else if (!sbr && r.remaining >= 16 && r.bits(11) === 0x2b7 && readType() === 5 && r.bit() === 1) {
      // Signalled behind the rest, where a decoder without SBR does not look.
      sbr = true;
      outputSamplingFrequency = readFrequency();
      ps = r.remaining >= 12 && r.bits(11) === 0x548 && r.bit() === 1;
    }
  }
  return {
    objectType,
    coreObjectType,
    samplingFrequency,
    outputSamplingFrequency,
    channelConfiguration,
    channels: channels === 0 ? undefined : channels,
    sbr,
    ps,
    frameLength,
  };
}

const PROFILES = ['MAIN', 'LC', 'SSR', 'LTP'];

/**
 * The AudioSpecificConfig that an older CodecID stands for, such as `A_AAC/MPEG4/LC/SBR`: it names the profile, the Audio element says the
 * rest. Such tracks have no CodecPrivate.
 *
 * @returns `undefined` for other CodecIDs, and where it cannot be said in few bytes
 */
export function configOfName(
  codecId: string,
  audio:
    | {
        readonly samplingFrequency: number;
        readonly outputSamplingFrequency: number | undefined;
        readonly channels: number;
      }
    | undefined,
): Uint8Array | undefined {
  const [, , profile = '', extension] = codecId.split('/');
  const objectType = PROFILES.indexOf(profile) + 1;
  if (objectType === 0 || audio === undefined) return undefined;
  const { samplingFrequency, outputSamplingFrequency = samplingFrequency * 2, channels } = audio;
  const frequency = SAMPLING_FREQUENCIES.indexOf(samplingFrequency);
  const configuration = channels === 8 ? 7 : channels < 7 ? channels : 0;
  if (frequency < 0 || configuration < 1) return undefined;
  const core = [(objectType << 3) | (frequency >> 1), ((frequency & 1) << 7) | (configuration << 3)];
  const output = SAMPLING_FREQUENCIES.indexOf(outputSamplingFrequency);
  // SBR behind the rest, for decoders that do not know it: the sync word, object type 5, the flag, the frequency.
  return Uint8Array.from(extension === 'SBR' && output >= 0 ? [...core, 0x56, 0xe5, 0x80 | (output << 3)] : core);
}

/** Counts the channels of a program_config_element (ISO/IEC 14496-3 section 4.4.1.1). */
function readProgramConfig(r: BitReader): number {
  r.skip(10);
  const pairs = r.bits(4) + r.bits(4) + r.bits(4);
  let channels = r.bits(2);
  r.skip(7);
  for (const length of [4, 4, 3]) if (r.bit() === 1) r.skip(length);
  for (let i = 0; i < pairs; i++) {
    channels += 1 + r.bit();
    r.skip(4);
  }
  return channels;
}

/**
 * The ADTS header for a raw AAC frame, 7 bytes, so that frames can stand in a file of their own (ISO/IEC 13818-7 section 6.2).
 *
 * @param frameSize of the raw frame in bytes, at most 8184
 * @throws CodecDataError when ADTS has no way to say it: another object type, frequency, channel configuration or a longer frame
 */
export function adtsHeader(config: AacConfig, frameSize: number): Uint8Array {
  const { coreObjectType, samplingFrequency, channelConfiguration, frameLength } = config;
  const frequency = SAMPLING_FREQUENCIES.indexOf(samplingFrequency);
  const size = frameSize + 7;
  const known = coreObjectType >= 1 && coreObjectType <= 4 && frequency >= 0 && frameLength === 1024;
  if (!known || channelConfiguration < 1 || channelConfiguration > 7 || size > 0x1fff) {
    throw new CodecDataError('this AAC stream does not go into ADTS');
  }
  return Uint8Array.of(
    0xff,
    0xf1,
    ((coreObjectType - 1) << 6) | (frequency << 2) | (channelConfiguration >> 2),
    ((channelConfiguration & 3) << 6) | (size >> 11),
    (size >> 3) & 255,
    ((size & 7) << 5) | 0x1f,
    0xfc,
  );
}

/** What the ADTS header of a frame says (ISO/IEC 13818-7 section 6.2). */
export interface AdtsHeader {
  /** Length of the header, in bytes: 7, or 9 with a checksum. */
  readonly size: number;
  /** Of header and frame, in bytes. */
  readonly frameSize: number;
  /** The audio object type: 1 to 4. */
  readonly objectType: number;
  /** Index of the sampling frequency, 0 to 12. */
  readonly frequencyIndex: number;
  /** channel_configuration, 0 to 7. */
  readonly channelConfiguration: number;
}

/**
 * Reads the ADTS header that stands at `at`.
 *
 * @returns `undefined` when there is none, or its frame goes on past the end of the data
 */
export function readAdtsHeader(data: Uint8Array, at = 0): AdtsHeader | undefined {
  const [sync, flags, format, more, length, rest] = data.subarray(at, at + 7);
  // Twelve bits of sync, and a layer of 0. No frame of AAC without header begins with ones.
  if (sync !== 0xff || flags === undefined || (flags & 0xf6) !== 0xf0 || rest === undefined) return undefined;
  const size = (flags & 1) === 1 ? 7 : 9;
  const frameSize = ((more! & 3) << 11) | (length! << 3) | (rest >> 5);
  const frequencyIndex = (format! >> 2) & 15;
  if (frameSize <= size || at + frameSize > data.length || frequencyIndex > 12) return undefined;
  return {
    size,
    frameSize,
    objectType: (format! >> 6) + 1,
    frequencyIndex,
    channelConfiguration: ((format! & 1) << 2) | (more! >> 6),
  };
}

/** How many ADTS frames, behind each other and with nothing between them, the data consists of; 0 when it is anything else. */
export function countAdtsFrames(data: Uint8Array): number {
  let count = 0;
  for (let at = 0; at < data.length; count++) {
    const header = readAdtsHeader(data, at);
    if (header === undefined) return 0;
    at += header.frameSize;
  }
  return count;
}

/** Whether the data consists of whole LOAS elements (AudioSyncStream of ISO/IEC 14496-3 section 1.7.2), the packets of LATM. */
export function isLoas(data: Uint8Array): boolean {
  let at = 0;
  // Eleven bits of sync, and thirteen of length.
  while (data[at] === 0x56 && (data[at + 1] ?? 0) >> 5 === 7)
    at += 3 + (((data[at + 1]! & 31) << 8) | (data[at + 2] ?? 0));
  return at > 3 && at === data.length;
}

/** The AudioSpecificConfig that says the same as an ADTS header. */
export function configOfAdts({ objectType, frequencyIndex, channelConfiguration }: AdtsHeader): Uint8Array {
  return Uint8Array.of(
    (objectType << 3) | (frequencyIndex >> 1),
    ((frequencyIndex & 1) << 7) | (channelConfiguration << 3),
  );
}

/** The index of a sampling frequency in Hz; 15 for one that has none. */
export function frequencyIndexOf(frequency: number): number {
  const index = SAMPLING_FREQUENCIES.indexOf(frequency);
  return index < 0 ? 15 : index;
}
