import { type Box, BoxParser } from 'mp4box';
import type { Bytes } from '../ebml/bytes.js';
import { brands, movieBox, writeBoxes } from './boxes.js';
import type { Mp4Track, RemuxedFragment, TrackRun } from './samples.js';
import type { TrackSetup } from './track-setup.js';

const { box } = BoxParser;

/** The MIME type of an MP4 with these tracks, as MediaSource.isTypeSupported wants it. */
export function mimeTypeOf(setups: readonly TrackSetup[]): string {
  const kind = setups.some((setup) => setup.kind === 'video') ? 'video' : 'audio';
  return `${kind}/mp4; codecs="${setups.map(({ codec }) => codec).join(',')}"`;
}

/** An initialization segment: `ftyp` and `moov`, without samples. */
export function writeInitSegment(tracks: readonly Mp4Track[]): Bytes {
  const mvex = new box.mvex();
  for (const { id } of tracks) {
    const trex = new box.trex();
    trex.track_id = id;
    trex.default_sample_description_index = 1;
    trex.default_sample_duration = 0;
    trex.default_sample_size = 0;
    trex.default_sample_flags = 0;
    mvex.addBox(trex);
  }
  const inputs = tracks.map(({ id, setup, shift }) => ({
    id,
    setups: [setup],
    duration: 0,
    mediaDuration: 0,
    edits: shift > 0 ? [{ duration: 0, mediaTime: shift }] : [],
    tables: emptyTables(),
  }));
  return writeBoxes(brands('ftyp', 'iso6', ['iso6', 'cmfc', 'mp41']), movieBox(inputs, 0, mvex));
}

function emptyTables(): Box[] {
  const stts = new box.stts();
  const stsc = new box.stsc();
  stsc.first_chunk = [];
  stsc.samples_per_chunk = [];
  stsc.sample_description_index = [];
  const stsz = new box.stsz();
  stsz.sample_size = 0;
  stsz.sample_sizes = [];
  const stco = new box.stco();
  stco.chunk_offsets = [];
  return [stts, stsc, stsz, stco];
}

/** tfhd: data offsets count from the beginning of `moof`. */
const DEFAULT_BASE_IS_MOOF = 0x20000;
const TFHD_DURATION = 8;
const TFHD_FLAGS = 0x20;

const TRUN_OFFSET = 1;
const TRUN_FIRST_FLAGS = 4;
const TRUN_DURATION = 0x100;
const TRUN_SIZE = 0x200;
const TRUN_FLAGS = 0x400;
const TRUN_COMPOSITION = 0x800;

const BOX_HEADER = 8;

const NOTHING = new Uint8Array(0);

/**
 * A media segment: `styp`, `moof` and `mdat`; without `styp` where it continues a fragment.
 *
 * @param sequenceNumber 1 for the first, and one more for each that follows
 * @param delay is added to decode times, in ticks; a sample may then be presented before it is decoded, by what the two times say
 */
export function writeMediaSegment(fragment: RemuxedFragment, sequenceNumber: number, delay = 0): Bytes {
  const moof = new box.moof();
  moof.addBox(new box.mfhd()).sequence_number = sequenceNumber;
  const truns = fragment.runs.map((run) => addTrackFragment(moof, run, delay));
  const styp = fragment.continues ? NOTHING : writeBoxes(brands('styp', 'msdh', ['msdh', 'cmfs']));
  const head = writeBoxes(moof);
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  let offset = head.length + BOX_HEADER;
  fragment.runs.forEach(({ payload }, index) => {
    view.setInt32(truns[index]!.data_offset_position, offset);
    offset += payload.size;
  });
  const bytes = new Uint8Array(styp.length + offset);
  bytes.set(styp);
  bytes.set(head, styp.length);
  let at = styp.length + head.length;
  at += putBoxHeader(bytes, at, 'mdat', offset - head.length);
  for (const { payload } of fragment.runs) {
    payload.writeTo(bytes, at);
    at += payload.size;
  }
  return bytes;
}

/** Writes size and type of a box; returns their length. */
export function putBoxHeader(target: Uint8Array, position: number, type: string, size: number): number {
  new DataView(target.buffer, target.byteOffset).setUint32(position, size);
  for (let i = 0; i < 4; i++) target[position + 4 + i] = type.charCodeAt(i);
  return BOX_HEADER;
}

function addTrackFragment(
  moof: InstanceType<typeof box.moof>,
  { track, payload, times, flags }: TrackRun,
  delay: number,
) {
  const { decode, presentation, nextDecode } = times;
  const durations = decode.map((time, index) => (decode[index + 1] ?? nextDecode) - time);
  const offsets = decode.map((time, index) => presentation[index]! - time - delay);
  const traf = moof.addBox(new box.traf());
  const tfhd = new box.tfhd();
  const sameDuration = durations.every((duration) => duration === durations[0]);
  // Mostly the first sample is the only sync sample, or all are.
  const others = flags[1] ?? flags[0]!;
  const sameFlags = flags.every((each, index) => index === 0 || each === others);
  tfhd.flags = DEFAULT_BASE_IS_MOOF | (sameDuration ? TFHD_DURATION : 0) | (sameFlags ? TFHD_FLAGS : 0);
  tfhd.track_id = track.id;
  tfhd.default_sample_duration = durations[0]!;
  tfhd.default_sample_flags = others;
  traf.addBox(tfhd);
  const tfdt = new box.tfdt();
  tfdt.version = 1;
  tfdt.baseMediaDecodeTime = decode[0]! + track.shift + delay;
  traf.addBox(tfdt);
  const trun = new box.trun();
  // Version 1 has offsets with a sign.
  trun.version = offsets.some((offset) => offset < 0) ? 1 : 0;
  trun.flags =
    TRUN_OFFSET |
    TRUN_SIZE |
    (sameDuration ? 0 : TRUN_DURATION) |
    (sameFlags ? 0 : TRUN_FLAGS) |
    (sameFlags && flags[0] !== others ? TRUN_FIRST_FLAGS : 0) |
    (offsets.some((offset) => offset !== 0) ? TRUN_COMPOSITION : 0);
  trun.sample_count = decode.length;
  trun.data_offset = 0;
  trun.first_sample_flags = flags[0]!;
  trun.sample_duration = durations;
  trun.sample_size = payload.sizes;
  trun.sample_flags = [...flags];
  trun.sample_composition_time_offset = offsets;
  traf.addBox(trun);
  return trun;
}
