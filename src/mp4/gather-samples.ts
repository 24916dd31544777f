import { count } from '../ebml/plural.js';
import { readAdtsHeader } from '../mkv/codec/aac.js';
import { CodecDataError } from '../mkv/codec/codec-error.js';
import { withoutAdts } from '../mkv/codec/frame-data.js';
import { nalKind } from '../mkv/codec/nal.js';
import { knownLengthSize } from '../mkv/codec/nal-format.js';
import type { FragmentMetadata } from '../visitors/fragment-metadata.js';
import type { Frame } from '../visitors/frame.js';
import { Payload } from './payload.js';
import { Mp4RemuxError } from './remux-error.js';
import type { AudioSetup, TrackSetup, VideoSetup } from './track-setup.js';

/** Gathers a track's frames as samples. Throws Mp4RemuxError when one is not what its codec wants. */
export function gatherSamples(
  setup: TrackSetup,
  frames: readonly Frame[],
  fragment: FragmentMetadata | undefined,
): Payload {
  const payload = new Payload();
  for (const frame of frames) {
    try {
      if (setup.kind === 'video') addPicture(payload, setup, frame);
      else addSound(payload, setup, frame);
    } catch (error) {
      if (!(error instanceof CodecDataError)) throw error;
      const text = `frame at ${frame.timestamp} us: ${error.message}`;
      throw new Mp4RemuxError('InvalidMediaFrame', text, { track: setup.track, fragment });
    }
  }
  return payload;
}

function addPicture(payload: Payload, { format, lengthSize }: VideoSetup, frame: Frame): void {
  const codec = format === 'avc1' ? 'h264' : 'h265';
  const { data } = frame;
  const said = frame.track.format.nal?.lengthSize ?? lengthSize;
  const stored = knownLengthSize(data, said);
  let begins: boolean | undefined;
  payload.addNals(data, stored, lengthSize, (start) => {
    if (begins !== undefined) return;
    const kind = nalKind(codec, data[start]!);
    // first_mb_in_slice of 0, or first_slice_segment_in_pic_flag.
    if (kind === 'key' || kind === 'slice') begins = (data[start + (codec === 'h264' ? 1 : 2)] ?? 0) >= 0x80;
  });
  if (begins === undefined) throw new CodecDataError('it has no picture', 'InvalidMediaFrame');
  if (!begins) throw new CodecDataError('it begins within a picture', 'InvalidMediaFrame');
}

function addSound(payload: Payload, setup: AudioSetup, frame: Frame): void {
  const { data, timestamp } = frame;
  let time = timestamp;
  const add = (sample: Uint8Array) => {
    const duration = setup.frameDuration(sample.length);
    if (!Number.isInteger(duration)) {
      throw new CodecDataError(
        `${count(sample.length, 'byte')} for ${count(setup.channels, 'channel')}`,
        'InvalidMediaFrame',
      );
    }
    payload.add(sample, duration, time);
    time += (duration * 1e6) / setup.timescale;
  };
  let header = setup.adts ? readAdtsHeader(data) : undefined;
  if (header === undefined) {
    add(data);
    return;
  }
  // Several frames, each with its header, are a sample each.
  for (let at = 0; at < data.length; header = readAdtsHeader(data, at)) {
    if (header === undefined) throw new CodecDataError('an ADTS frame is cut', 'InvalidMediaFrame');
    const sample = withoutAdts(data.subarray(at, at + header.frameSize));
    if (sample.length === 0) throw new CodecDataError('an ADTS frame has no data', 'InvalidMediaFrame');
    add(sample);
    at += header.frameSize;
  }
}
