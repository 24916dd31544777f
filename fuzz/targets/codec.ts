import { adtsHeader, parseAudioSpecificConfig } from '../../src/mkv/codec/aac.js';
import { CodecDataError } from '../../src/mkv/codec/codec-error.js';
import { codecStringOf, decoderDescription } from '../../src/mkv/codec/codec-string.js';
import { frameDataFor } from '../../src/mkv/codec/frame-data.js';
import { codecDuration } from '../../src/mkv/codec/frame-duration.js';
import { parseAvcC, parseH264Sps, writeAvcC } from '../../src/mkv/codec/h264.js';
import { parseH265Sps, parseHvcC, writeHvcC } from '../../src/mkv/codec/h265.js';
import { isKeyframe } from '../../src/mkv/codec/keyframe.js';
import { NO_EVIDENCE, observeFrame, readLabel, settleFormat } from '../../src/mkv/codec/media-format.js';
import { joinNals, splitNals } from '../../src/mkv/codec/nal.js';
import { isNalKeyframe, nalConfigOf } from '../../src/mkv/codec/nal-config.js';
import { parseWaveFormat } from '../../src/mkv/codec/wave-format.js';
import { Mkv } from '../../src/mkv/elements.js';
import { parseTree, places } from '../ebml-tree.js';
import { ensure } from '../finding.js';
import { Choices } from '../input.js';
import { AVC_PPS, AVC_SPS, HEVC_ANNEX_B, HEVC_RECORD } from '../media-seeds.js';
import { recordedFragments } from '../seeds.js';
import type { FuzzTarget } from '../target.js';

const CODEC_IDS = [
  'V_MPEG4/ISO/AVC',
  'V_MPEG/ISO/AVC',
  'V_MPEGH/ISO/HEVC',
  'V_VP8',
  'V_VP9',
  'V_AV1',
  'A_AAC',
  'A_AAC/MPEG4/LC/SBR',
  'A_MS/ACM',
  'A_OPUS',
  'A_PCM/INT/LIT',
  '',
  '__proto__',
];

const PARSERS: readonly ((data: Uint8Array) => unknown)[] = [
  parseAvcC,
  parseHvcC,
  parseH264Sps,
  parseH265Sps,
  (data) => adtsHeader(parseAudioSpecificConfig(data), data.length),
  parseWaveFormat,
];

/** What CodecPrivate and frames can hold: parameter sets, configurations, NAL units. */
export const codec: FuzzTarget = {
  name: 'codec',
  ebml: false,
  maxLength: 2000,
  seeds() {
    const recorded = places(parseTree(recordedFragments()[0] ?? new Uint8Array(0)))
      .filter(({ node: { type } }) => type === Mkv.CodecPrivate)
      .map(({ node }) => node.data);
    const hex = [
      HEVC_ANNEX_B,
      HEVC_RECORD,
      HEVC_ANNEX_B.slice(62, -24),
      `00000001${AVC_SPS}00000001${AVC_PPS}`,
      AVC_SPS,
      '1190',
      '2b920800',
      '139056e5a54800',
      '0600010040 1f0000401f0000010008000000',
    ];
    return [...recorded, ...hex.map((digits) => Uint8Array.from(Buffer.from(digits.replace(/\s/g, ''), 'hex')))];
  },
  run({ choice, bytes }, features) {
    const c = new Choices(choice);
    for (const [i, parse] of PARSERS.entries()) attempt(`${i}`, features, () => parse(bytes));
    for (const size of [0, 1, 2, 3, 4]) {
      attempt(`split ${size}`, features, () => {
        const units = splitNals(bytes, size);
        ensure(
          units.every((unit) => unit.buffer === bytes.buffer),
          'a NAL unit is no view',
        );
        // Units of no bytes are left out, so only a second time gives the same.
        const joined = joinNals(units, size);
        ensure(Buffer.compare(joinNals(splitNals(joined, size), size), joined) === 0, 'NAL units do not go back');
        for (const name of ['h264', 'h265'] as const) isNalKeyframe(name, bytes, size);
      });
    }
    const cut = c.below(bytes.length + 1);
    const [codecPrivate, keyframe] = c.oneIn(2) ? [bytes, undefined] : [bytes.subarray(0, cut), bytes.subarray(cut)];
    for (const codecId of CODEC_IDS) {
      const track = { codecId, codecPrivate, video: { pixelWidth: c.below(5000), pixelHeight: c.below(5000) } };
      const text = codecStringOf(track, keyframe);
      ensure(text === undefined || /^[\w.-]+$/.test(text), () => `a codec string <${text}>`);
      ensure(text === undefined || !/undefined|NaN|null/.test(text), () => `a codec string <${text}>`);
      if (text !== undefined) features.add(text.slice(0, 5));
      decoderDescription(track);
      const labelled = { ...track, type: codecId.startsWith('V') ? 'video' : 'audio', video: undefined };
      const frame = keyframe ?? bytes;
      const look = { head: frame.subarray(0, c.below(64) + 16), size: frame.length, whole: () => frame };
      const label = readLabel(labelled);
      settleFormat(labelled, label, NO_EVIDENCE);
      const evidence = observeFrame(labelled, label, NO_EVIDENCE, look);
      const format = settleFormat(labelled, label, evidence);
      ensure(observeFrame(labelled, label, evidence, look) === evidence, 'the same frame shows something new again');
      if (evidence !== NO_EVIDENCE) features.add(`${codecId} shows ${Object.keys(evidence).join()}`);
      const sized = { size: frame.length, data: frame, head: (least: number) => frame.subarray(0, least) };
      isKeyframe(format, sized, c.oneIn(2));
      const duration = codecDuration(labelled, format, sized);
      ensure(duration === undefined || duration > 0, () => `a duration of ${duration}`);
      attempt(`${codecId} for a decoder`, features, () => frameDataFor(format, frame, format.description, c.oneIn(2)));
      attempt(codecId, features, () => nalConfigOf(track));
    }
    attempt('make', features, () => {
      const half = bytes.length >> 1;
      const avc = writeAvcC([bytes.subarray(0, half)], [bytes.subarray(half)]);
      const { sps, pps } = parseAvcC(avc);
      ensure(
        Buffer.compare(sps[0] ?? avc, bytes.subarray(0, half)) === 0 && pps.length === 1,
        'AVCC loses parameter sets',
      );
      parseHvcC(writeHvcC([bytes], [bytes], [bytes]));
    });
  },
};

/** Only the documented error may come of it. */
function attempt(name: string, features: Set<string>, run: () => unknown): void {
  try {
    run();
    features.add(`${name} is fine`);
  } catch (error) {
    if (!(error instanceof CodecDataError)) throw error;
    features.add(`${name} ${error.message.replace(/\d+/g, '')}`);
  }
}
