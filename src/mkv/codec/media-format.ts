import { sameBytes } from '../../ebml/bytes.js';
import { count } from '../../ebml/plural.js';
import {
  type AacConfig,
  configOfAdts,
  configOfName,
  countAdtsFrames,
  frequencyIndexOf,
  isLoas,
  parseAudioSpecificConfig,
  readAdtsHeader,
} from './aac.js';
import { CodecDataError } from './codec-error.js';
import { codecStringOf, decoderDescription, stringOfSps, unescapeNal } from './codec-string.js';
import { type H264Sps, parseH264Sps } from './h264.js';
import { type H265Sps, parseH265Sps } from './h265.js';
import { isAnnexB, type NalCodec } from './nal.js';
import { type NalConfig, readNalConfig, writeDecoderConfig } from './nal-config.js';
import { hasSets, lookAtNals, mergeSets, type NalLook, type ParameterSets, USUAL_LENGTH_SIZE } from './nal-format.js';
import { choosePcm, isSaidRate, isUsualRate, type PcmCoding, type PcmFormat, saidCoding } from './pcm-format.js';
import { looksLikePcm, mayBeAac } from './pcm-likeness.js';
import { differsInShape, shapeOf, type WrittenShape } from './picture-shape.js';
import { type CodecName, type CodecTrack, codecOf } from './track-codec.js';

/** What a track's format is made of: a `TrackMetadata` is one. */
export interface FormatTrack extends CodecTrack {
  readonly type: string;
  readonly name?: string | undefined;
  readonly video?: WrittenShape | undefined;
  readonly audio?:
    | {
        readonly samplingFrequency: number;
        readonly outputSamplingFrequency: number | undefined;
        readonly channels: number;
        readonly bitDepth: number | undefined;
      }
    | undefined;
}

/** What frames have shown of their format. It refers to no chunk. */
export interface FrameEvidence {
  /** Width of the length before each NAL unit; 0 for Annex B. */
  readonly lengthSize?: number | undefined;
  /** Parameter sets that frames brought, where CodecPrivate does not have all of them or frames are in Annex B. */
  readonly sets?: ParameterSets | undefined;
  /** That there is a key frame in Annex B that has none. */
  readonly bare?: boolean | undefined;
  /** The AudioSpecificConfig that says what the ADTS headers of frames do. */
  readonly adts?: Uint8Array | undefined;
  /** That frames are LATM in LOAS. */
  readonly loas?: boolean | undefined;
  /** That frames are samples under another name. */
  readonly pcm?: PcmFormat | undefined;
}

/** No frame has been seen. */
export const NO_EVIDENCE: FrameEvidence = {};

/** A statement of a track's description that its frames contradict. */
export interface TrackDisagreement {
  /** What of the label it is. */
  readonly rule: TrackRule;
  /** What it says, and what the frames say. */
  readonly message: string;
}

/** The statements of a track's description that frames can contradict. */
export type TrackRule =
  /** CodecID names another codec. */
  | 'CodecId'
  /** CodecPrivate cannot be read, or is missing where it is needed. */
  | 'CodecPrivate'
  /** Frames have the other NAL format than CodecPrivate, or ADTS headers. */
  | 'FrameFormat'
  /** CodecPrivate has other parameter sets than the frames. */
  | 'ParameterSets'
  /** The head of a configuration record has another profile, tier or level than its parameter sets. */
  | 'ProfileLevel'
  /** The VUI of a sequence parameter set cannot be read. */
  | 'Vui'
  /** The Video master has another size. */
  | 'VideoSize'
  /** The Video master has another shape of the picture. */
  | 'VideoAspect'
  /** The Audio master is missing, or has another sampling frequency or number of channels. */
  | 'AudioSettings'
  /** Frames are flagged as key frames that are none, or not flagged although they are. */
  | 'KeyframeFlags'
  /** A picture is spread over several Blocks. */
  | 'AccessUnits';

/** How the frames of an H.264 or H.265 track are stored, and what its decoder needs. */
export interface NalFormat {
  readonly codec: NalCodec;
  /** Width of the length before each NAL unit of a frame as it is stored; 0 for Annex B. */
  readonly lengthSize: number;
  /** The parameter sets that hold: those that frames brought, else CodecPrivate's. */
  readonly sets: ParameterSets;
  /** Whether frames bring parameter sets themselves. */
  readonly inBand: boolean;
  /** What the first sequence parameter set says; `undefined` where there is none that can be read. */
  readonly sps: H264Sps | H265Sps | undefined;
  /**
   * AVCC or HVCC: CodecPrivate as it is where it fits, else made of the parameter sets; `undefined` where there are none. Its length size
   * is that of the frames; 4 where these have lengths of 3 bytes or start codes.
   */
  readonly record: Uint8Array | undefined;
}

/** An AAC track. */
export interface AacFormat {
  /** AudioSpecificConfig. */
  readonly config: Uint8Array;
  /** What it says; `undefined` where it cannot be read. */
  readonly info: AacConfig | undefined;
  /** Whether every frame has an ADTS header. */
  readonly adts: boolean;
}

/** What a track's frames are, by what they show themselves where they do, else by what CodecID and CodecPrivate say. */
export interface MediaFormat {
  /** The codec that CodecID names. */
  readonly codec: CodecName | undefined;
  /** The codec string of RFC 6381 and WebCodecs. */
  readonly codecString: string | undefined;
  /** What a WebCodecs decoder is configured with. */
  readonly description: Uint8Array | undefined;
  /** Of H.264 and H.265. */
  readonly nal: NalFormat | undefined;
  /** Of AAC with an AudioSpecificConfig. */
  readonly aac: AacFormat | undefined;
  /** Of frames that are PCM or G.711 although CodecID says another codec. */
  readonly pcm: PcmFormat | undefined;
  /** Whether frames of AAC come as LATM in LOAS, which is taken apart nowhere here: there is no codec string then. */
  readonly loas: boolean;
  /** What of the label is not so. */
  readonly disagreements: readonly TrackDisagreement[];
}

/** What CodecPrivate says, as far as it can be read. */
export interface TrackLabel {
  readonly nal?: NalConfig | undefined;
  readonly aac?: AacConfig | undefined;
}

/** Reads what a track's CodecPrivate says. */
export function readLabel(track: FormatTrack): TrackLabel {
  if (isNalCodec(codecOf(track.codecId))) {
    const nal = readNalConfig(track);
    return typeof nal === 'object' ? { nal } : {};
  }
  const config = isAac(track) ? writtenConfig(track) : undefined;
  return config === undefined ? {} : { aac: attempt(() => parseAudioSpecificConfig(config)) };
}

/** The AudioSpecificConfig of CodecPrivate, or that an older CodecID stands for. */
function writtenConfig(track: FormatTrack): Uint8Array | undefined {
  return decoderDescription(track) ?? configOfName(track.codecId, track.audio);
}

function isNalCodec(codec: CodecName | undefined): codec is NalCodec {
  return codec === 'h264' || codec === 'h265';
}

/** A frame that is looked at. */
export interface FrameLook {
  /** Its first bytes, at least 16. */
  readonly head: Uint8Array;
  /** Its length, in bytes. */
  readonly size: number;
  /** All of its bytes. */
  whole(): Uint8Array;
  /** Whether it is flagged as a key frame. */
  readonly flagged?: boolean | undefined;
  /** How many bytes of the track come in a second, by the times of the frames; `undefined` where that is not known yet. */
  readonly bytesPerSecond?: number | undefined;
  /** The producer's tag MimeType, where it has come. */
  readonly mimeType?: string | undefined;
  /** Is given what its NAL units come to. */
  nals?: NalLook | undefined;
  /** Is told that it should have NAL units and has none. */
  failed?: boolean | undefined;
}

/** Whether frames of a track show what they are. */
export function isTelling(track: FormatTrack): boolean {
  const codec = codecOf(track.codecId);
  return isNalCodec(codec) || isAac(track) || (codec !== undefined && OTHER_SOUND.includes(codec));
}

/** Compressed sound that PCM passes for only where somebody says that it is PCM. */
const OTHER_SOUND: readonly CodecName[] = ['opus', 'vorbis', 'flac', 'mp3', 'ac-3', 'ec-3'];

/**
 * What is known after another frame of the track.
 *
 * @param label what its CodecPrivate says
 * @returns the same object where the frame shows nothing new
 */
export function observeFrame(
  track: FormatTrack,
  label: TrackLabel,
  evidence: FrameEvidence,
  frame: FrameLook,
): FrameEvidence {
  const codec = codecOf(track.codecId);
  if (isNalCodec(codec)) return observeNals(codec, evidence, label.nal, frame);
  if (isAac(track)) return observeAac(track, evidence, label.aac, frame);
  return codec !== undefined && OTHER_SOUND.includes(codec) ? observeSaid(track, evidence, frame) : evidence;
}

/**
 * Of sound whose frames are not taken apart here: the producer's tag or Amazon Connect's name must say that it is PCM, and the bytes look
 * so.
 */
function observeSaid(track: FormatTrack, evidence: FrameEvidence, frame: FrameLook): FrameEvidence {
  const said = saidCoding(frame.mimeType);
  const isSaid = evidence.pcm !== undefined || CONNECT_NAME.test(track.name ?? '') || said !== undefined;
  if (!isSaid) return evidence;
  if (evidence.pcm === undefined) {
    // G.711 has no look of its own, but always as many bytes in a second.
    const bearsOut = isG711(said) ? isSaidRate(frame.mimeType, frame.bytesPerSecond) : looksLikePcm(frame.whole());
    if (!bearsOut) return evidence;
  }
  return withPcm(track, evidence, undefined, frame);
}

function isG711(coding: PcmCoding | undefined): boolean {
  return coding === 'ulaw' || coding === 'alaw';
}

function isAac(track: FormatTrack): boolean {
  const codec = codecOf(track.codecId);
  return codec === 'aac' || (codec === 'acm' && decoderDescription(track) !== undefined);
}

const NO_SETS: ParameterSets = { vps: [], sps: [], pps: [] };
/** Frames with parameter sets of more bytes are against the standards; they are not remembered. */
const MOST_SET_BYTES = 64 * 1024;

function observeNals(
  codec: NalCodec,
  evidence: FrameEvidence,
  stored: NalConfig | undefined,
  frame: FrameLook,
): FrameEvidence {
  const said = evidence.lengthSize ?? stored?.lengthSize ?? 0;
  const look = lookAtNals(codec, frame.head, frame.size, said, () => frame.whole());
  frame.nals = look;
  frame.failed = look === undefined && frame.size > 0;
  if (look === undefined) return evidence;
  const lengthSize = look.lengthSize === said ? evidence.lengthSize : look.lengthSize;
  let { sets } = evidence;
  const own = look.sets;
  if (own !== undefined && (sets === undefined || !equalSets(sets, own))) {
    const news = look.lengthSize === 0 || sets !== undefined || stored === undefined || !hasSets(stored, own);
    if (news && byteLength(own) <= MOST_SET_BYTES) {
      const merged = mergeSets(codec, sets ?? NO_SETS, own);
      if (sets === undefined || !equalSets(sets, merged)) sets = copySets(merged);
    }
  }
  const isBare = own === undefined && look.lengthSize === 0 && (look.key || frame.flagged === true);
  const bare = evidence.bare ?? (isBare ? true : undefined);
  const same = lengthSize === evidence.lengthSize && sets === evidence.sets && bare === evidence.bare;
  return same ? evidence : { ...evidence, lengthSize, sets, bare };
}

function byteLength({ vps, sps, pps }: ParameterSets): number {
  return [...vps, ...sps, ...pps].reduce((sum, { length }) => sum + length, 0);
}

function copySets({ vps, sps, pps }: ParameterSets): ParameterSets {
  const copy = (sets: readonly Uint8Array[]) => sets.map((set) => new Uint8Array(set));
  return { vps: copy(vps), sps: copy(sps), pps: copy(pps) };
}

/** Whether both have the same sets in the same order. */
function equalSets(a: ParameterSets, b: ParameterSets): boolean {
  const same = (x: readonly Uint8Array[], y: readonly Uint8Array[]) =>
    x.length === y.length && x.every((set, index) => sameBytes(set, y[index]!));
  return same(a.vps, b.vps) && same(a.sps, b.sps) && same(a.pps, b.pps);
}

/** What `read` gives; `undefined` where the codec's data cannot be read. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof CodecDataError) return undefined;
    throw error;
  }
}

function observeAac(
  track: FormatTrack,
  evidence: FrameEvidence,
  stored: AacConfig | undefined,
  frame: FrameLook,
): FrameEvidence {
  if (frame.size === 0) return evidence;
  if (frame.head[0] === 0xff && evidence.pcm === undefined) {
    const data = frame.whole();
    const header = readAdtsHeader(data);
    if (header !== undefined && countAdtsFrames(data) > 0) {
      const adts = configOfAdts(header);
      return evidence.adts !== undefined && sameBytes(evidence.adts, adts) ? evidence : { ...evidence, adts };
    }
  }
  if (evidence.adts !== undefined || evidence.loas === true) return evidence;
  if (evidence.pcm === undefined && frame.head[0] === 0x56 && isLoas(frame.whole())) return { ...evidence, loas: true };
  if (evidence.pcm === undefined && !isPcm(track, stored, frame)) return evidence;
  return withPcm(track, evidence, stored, frame);
}

function withPcm(
  track: FormatTrack,
  evidence: FrameEvidence,
  config: AacConfig | undefined,
  { mimeType, bytesPerSecond }: FrameLook,
): FrameEvidence {
  const pcm = choosePcm(evidence.pcm, { mimeType, bytesPerSecond, audio: track.audio, config });
  return pcm === evidence.pcm ? evidence : { ...evidence, pcm };
}

/** Amazon Connect's names for the two directions of a call. */
const CONNECT_NAME = /^AUDIO_(FROM|TO)_CUSTOMER$/;
/** The profiles whose frames are told from others here: LC, alone or with SBR and PS. */
const LOW_COMPLEXITY = 2;

/** Whether a frame under the name of AAC is samples. */
function isPcm(track: FormatTrack, stored: AacConfig | undefined, frame: FrameLook): boolean {
  if (stored !== undefined && stored.coreObjectType !== LOW_COMPLEXITY) return false;
  const data = frame.whole();
  const index = stored === undefined ? 0 : frequencyIndexOf(stored.samplingFrequency);
  if (mayBeAac(data, stored?.channels, index)) return false;
  // What its name or the producer's tag says needs no proof by the bytes; the same byte all over is silence only where times bear it out.
  const said = saidCoding(frame.mimeType);
  if (isG711(said)) return true;
  if (CONNECT_NAME.test(track.name ?? '') || said !== undefined) return data.length % 2 === 0;
  if (!looksLikePcm(data)) return false;
  return data.some((byte) => byte !== data[0]) || isUsualRate(frame.bytesPerSecond);
}

const NO_BYTES = new Uint8Array(0);

/** What a track's frames are, by what they have shown. */
export function settleFormat(track: FormatTrack, label: TrackLabel, evidence: FrameEvidence): MediaFormat {
  const codec = codecOf(track.codecId);
  return { ...settle(track, codec, label, evidence), codec };
}

function settle(
  track: FormatTrack,
  codec: CodecName | undefined,
  label: TrackLabel,
  evidence: FrameEvidence,
): MediaFormat {
  if (isNalCodec(codec)) return settleNals(track, codec, label.nal, evidence);
  if (codec === 'aac' || codec === 'acm') {
    const format = settleAac(track, label.aac, evidence);
    if (format !== undefined) return format;
  }
  const { pcm } = evidence;
  return pcm === undefined ? { ...NOTHING, ...labelOf(track) } : settlePcm(track, pcm);
}

function settlePcm(track: FormatTrack, pcm: PcmFormat): MediaFormat {
  const { coding } = pcm;
  const message = `${track.codecId} is written, the frames are ${PCM_NAMES[coding]}`;
  return {
    ...NOTHING,
    codecString: coding === 's16' ? 'pcm-s16' : coding,
    pcm,
    disagreements: [{ rule: 'CodecId', message }],
  };
}

const PCM_NAMES: Readonly<Record<PcmCoding, string>> = {
  s16: 'PCM of 16 bits',
  ulaw: 'G.711 mu-law',
  alaw: 'G.711 A-law',
};

const NOTHING: MediaFormat = {
  codec: undefined,
  codecString: undefined,
  description: undefined,
  nal: undefined,
  aac: undefined,
  pcm: undefined,
  loas: false,
  disagreements: [],
};

function labelOf(track: FormatTrack) {
  return { codecString: codecStringOf(track), description: decoderDescription(track) };
}

function settleNals(
  track: FormatTrack,
  codec: NalCodec,
  stored: NalConfig | undefined,
  evidence: FrameEvidence,
): MediaFormat {
  const disagreements: TrackDisagreement[] = [];
  const tell = (rule: TrackRule, message: string) => disagreements.push({ rule, message });
  const own = track.codecPrivate ?? NO_BYTES;
  if (stored === undefined) tell('CodecPrivate', 'CodecPrivate is no configuration of this codec');
  const lengthSize = evidence.lengthSize ?? stored?.lengthSize ?? 0;
  if (own.length > 0 && stored !== undefined && lengthSize !== stored.lengthSize) {
    tell('FrameFormat', `CodecPrivate says ${nameOf(stored.lengthSize)}, the frames have ${nameOf(lengthSize)}`);
  }
  const sets = mergeSets(codec, stored ?? NO_SETS, evidence.sets);
  const changed = stored === undefined || (evidence.sets !== undefined && !hasSets(stored, evidence.sets));
  if (changed && stored !== undefined && stored.sps.length > 0) {
    tell('ParameterSets', 'the frames bring other parameter sets than CodecPrivate has');
  }
  const [first] = sets.sps;
  const sps = first === undefined ? undefined : attempt(() => parseSps(codec, first));
  if (sps !== undefined) {
    if (!sps.hintsRead) tell('Vui', 'the VUI of the sequence parameter set cannot be read to its end');
    const { video } = track;
    if (video !== undefined && (video.pixelWidth !== sps.width || video.pixelHeight !== sps.height)) {
      const said = `${video.pixelWidth}x${video.pixelHeight}`;
      tell('VideoSize', `the Video element says ${said}, the sequence parameter set ${sps.width}x${sps.height}`);
    }
    if (video !== undefined && differsInShape(video, sps.pixelAspect)) {
      const { width, height } = shapeOf(sps, sps.pixelAspect);
      tell('VideoAspect', `the Video element says square pixels, the sequence parameter set ${width}x${height}`);
    }
  }
  const label = first === undefined ? labelOf(track).codecString : stringOfSps(codec, first);
  const recordSize = [1, 2, 4].includes(lengthSize) ? lengthSize : USUAL_LENGTH_SIZE;
  let record: Uint8Array | undefined;
  if (own.length > 0 && !isAnnexB(own) && stored !== undefined && !changed && stored.lengthSize === recordSize) {
    record = first === undefined ? own : withHeadOf(codec, own, first);
    if (record !== own)
      tell('ProfileLevel', 'CodecPrivate begins with another profile or level than its parameter sets');
  } else if (first !== undefined) {
    record = attempt(() => writeDecoderConfig({ codec, ...sets }, recordSize));
  }
  const inBand = evidence.sets !== undefined && evidence.sets.sps.length > 0;
  const nal: NalFormat = { codec, lengthSize, sets, inBand, sps, record };
  // Frames in Annex B that bring their parameter sets go to a decoder as they are; others need them, and so lengths.
  const isComplete = lengthSize === 0 && (inBand || (evidence.bare !== true && evidence.lengthSize === undefined));
  const description = isComplete ? undefined : record;
  return { ...NOTHING, codecString: label, description, nal, disagreements };
}

function nameOf(lengthSize: number): string {
  return lengthSize === 0 ? 'Annex B' : `lengths of ${lengthSize} ${lengthSize === 1 ? 'byte' : 'bytes'}`;
}

function parseSps(codec: NalCodec, sps: Uint8Array): H264Sps | H265Sps {
  return codec === 'h264' ? parseH264Sps(sps) : parseH265Sps(sps);
}

/** A configuration record with the profile, tier and level of its sequence parameter set; the record itself where it has them. */
function withHeadOf(codec: NalCodec, record: Uint8Array, sps: Uint8Array): Uint8Array {
  const head = codec === 'h264' ? sps.subarray(1, 4) : unescapeNal(sps).subarray(3, 15);
  const size = codec === 'h264' ? 3 : 12;
  if (head.length < size || sameBytes(record.subarray(1, 1 + size), head)) return record;
  const own = new Uint8Array(record);
  own.set(head, 1);
  return own;
}

function settleAac(track: FormatTrack, label: AacConfig | undefined, evidence: FrameEvidence): MediaFormat | undefined {
  const stored = writtenConfig(track);
  const isNamed = codecOf(track.codecId) === 'aac';
  if (!isNamed && stored === undefined) return undefined;
  const disagreements: TrackDisagreement[] = [];
  const tell = (rule: TrackRule, message: string) => disagreements.push({ rule, message });
  const { pcm, adts } = evidence;
  if (pcm !== undefined) return settlePcm(track, pcm);
  if (evidence.loas === true) {
    tell('FrameFormat', 'frames are LATM in LOAS, which Matroska does not have');
    return { ...NOTHING, loas: true, disagreements };
  }
  let config = stored;
  let info = label;
  if (adts !== undefined) {
    tell('FrameFormat', 'frames have ADTS headers, which Matroska leaves out');
    const own = parseAudioSpecificConfig(adts);
    const agrees = info !== undefined && saysTheSame(info, own);
    if (!agrees) {
      if (stored !== undefined) tell('CodecPrivate', 'CodecPrivate says another configuration than the ADTS headers');
      config = adts;
      info = own;
    }
  } else if (stored !== undefined && label === undefined) {
    tell('CodecPrivate', 'CodecPrivate is no AudioSpecificConfig');
  }
  if (config === undefined) return { ...NOTHING, ...labelOf(track), disagreements };
  if (info !== undefined) compareAudio(track, info, tell);
  const aac: AacFormat = { config, info, adts: adts !== undefined };
  const isOld = config === stored && decoderDescription(track) === undefined;
  const codecString = codecStringOf(isOld ? track : { codecId: 'A_AAC', codecPrivate: config });
  return { ...NOTHING, codecString, description: config, aac, disagreements };
}

/** Whether both configure a decoder for the same frames; only an AudioSpecificConfig can signal SBR. */
function saysTheSame(a: AacConfig, b: AacConfig): boolean {
  return (
    a.coreObjectType === b.coreObjectType &&
    a.samplingFrequency === b.samplingFrequency &&
    (a.channelConfiguration === b.channelConfiguration || b.channelConfiguration === 0)
  );
}

function compareAudio(track: FormatTrack, info: AacConfig, tell: (rule: TrackRule, message: string) => void): void {
  const { audio } = track;
  if (audio === undefined) {
    tell('AudioSettings', 'there is no Audio element');
    return;
  }
  const frequencies = [info.samplingFrequency, info.outputSamplingFrequency];
  const wanted = audioOf(info);
  const fits =
    frequencies.includes(audio.samplingFrequency) &&
    (wanted.channels === undefined || audio.channels === info.channels || audio.channels === wanted.channels);
  if (fits) return;
  const said = `${audio.samplingFrequency} Hz, ${count(audio.channels, 'channel')}`;
  tell(
    'AudioSettings',
    `the Audio element says ${said}, the AAC configuration ${frequencies[0]} Hz, ${wanted.channels === undefined ? 'unknown channels' : count(wanted.channels, 'channel')}`,
  );
}

/** What a decoder gives out. */
export function audioOf(info: AacConfig): { readonly sampleRate: number; readonly channels: number | undefined } {
  return { sampleRate: info.outputSamplingFrequency, channels: info.ps && info.channels === 1 ? 2 : info.channels };
}
