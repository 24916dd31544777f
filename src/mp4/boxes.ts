import { Box, BoxParser, DataStream } from 'mp4box';
import type { Bytes } from '../ebml/bytes.js';
import type { TrackSetup } from './track-setup.js';

const { box, sampleEntry } = BoxParser;

/** The identity, as tkhd and mvhd store it: 16.16 numbers, the last column 2.30. */
const MATRIX = Int32Array.of(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x4000_0000);

/** "und", in packed ISO 639-2. */
const UNDETERMINED = 0x55c4;

/** Ticks per second of the movie's own times. */
export const MOVIE_TIMESCALE = 90_000;

/** Is written over and over: a new one would grow its memory from nothing each time. */
const scratch = new DataStream();

/** The bytes of boxes, one behind the other, in an array of their own. */
export function writeBoxes(...boxes: readonly Box[]): Bytes {
  scratch.seek(0);
  for (const each of boxes) each.write(scratch);
  return new Uint8Array(scratch.buffer).slice(0, scratch.getPosition());
}

/** A box of which mp4box has no writer, or none that keeps all bits. */
export function rawBox(type: string, data: Uint8Array): Box {
  const raw = new Box();
  raw.type = type;
  // mp4box writes the beginning of a view's buffer instead of the view.
  raw.data = data.slice();
  return raw;
}

/** What a file, or a segment (`styp`), can be read as. */
export function brands(type: 'ftyp' | 'styp', major: string, compatible: readonly string[]): Box {
  return new box[type]()
    .set('major_brand', major)
    .set('minor_version', 0)
    .set('compatible_brands', [...compatible]);
}

/** An edit (ISO/IEC 14496-12 section 8.6.6). */
export interface Edit {
  /** In movie ticks; 0 in a fragmented file for all there is. */
  readonly duration: number;
  /** In media ticks; -1 for nothing. */
  readonly mediaTime: number;
}

/** A track as `moov` describes it. */
export interface TrackBoxInput {
  readonly id: number;
  /** One for each sample entry; the first tells the rest. */
  readonly setups: readonly TrackSetup[];
  /** In movie ticks, 0 in a fragmented file. */
  readonly duration: number;
  /** In media ticks. */
  readonly mediaDuration: number;
  readonly edits: readonly Edit[];
  /** The boxes of `stbl` after `stsd`. */
  readonly tables: readonly Box[];
}

/** Movie header, tracks, and what else `moov` is to hold. */
export function movieBox(tracks: readonly TrackBoxInput[], duration: number, ...others: readonly Box[]): Box {
  const moov = new box.moov();
  const mvhd = new box.mvhd();
  mvhd.creation_time = 0;
  mvhd.modification_time = 0;
  mvhd.timescale = MOVIE_TIMESCALE;
  mvhd.duration = duration;
  mvhd.rate = 0x10000;
  mvhd.volume = 1;
  mvhd.matrix = MATRIX;
  mvhd.next_track_id = tracks.length + 1;
  moov.addBox(mvhd);
  for (const track of tracks) moov.addBox(trackBox(track));
  for (const other of others) moov.addBox(other);
  return moov;
}

function trackBox({ id, setups, duration, mediaDuration, edits, tables }: TrackBoxInput): Box {
  const setup = setups[0]!;
  const isVideo = setup.kind === 'video';
  const trak = new box.trak();
  const tkhd = new box.tkhd();
  tkhd.flags = 7;
  tkhd.creation_time = 0;
  tkhd.modification_time = 0;
  tkhd.track_id = id;
  tkhd.duration = duration;
  tkhd.volume = isVideo ? 0 : 1;
  tkhd.alternate_group = isVideo ? 0 : 1;
  tkhd.matrix = MATRIX;
  [tkhd.width, tkhd.height] = isVideo ? displaySize(setup) : [0, 0];
  trak.addBox(tkhd);
  if (edits.length > 0) {
    const elst = new box.elst();
    elst.entries = edits.map((edit) => ({
      segment_duration: edit.duration,
      media_time: edit.mediaTime,
      media_rate_integer: 1,
      media_rate_fraction: 0,
    }));
    trak.addBox(new box.edts()).addBox(elst);
  }
  const mdia = trak.addBox(new box.mdia());
  const mdhd = new box.mdhd();
  mdhd.creation_time = 0;
  mdhd.modification_time = 0;
  mdhd.timescale = setup.timescale;
  mdhd.duration = mediaDuration;
  mdhd.language = UNDETERMINED;
  mdia.addBox(mdhd);
  mdia.addBox(
    new box.hdlr().set('handler', isVideo ? 'vide' : 'soun').set('name', isVideo ? 'VideoHandler' : 'SoundHandler'),
  );
  const minf = mdia.addBox(new box.minf());
  if (isVideo) {
    const vmhd = minf.addBox(new box.vmhd());
    vmhd.flags = 1;
    vmhd.graphicsmode = 0;
    vmhd.opcolor = [0, 0, 0];
  } else {
    minf.addBox(new box.smhd()).balance = 0;
  }
  minf.addBox(new box.dinf()).addBox(new box.dref()).addEntry(new box['url ']());
  const stbl = minf.addBox(new box.stbl());
  const stsd = stbl.addBox(new box.stsd());
  for (const each of setups) stsd.addEntry(entryBox(each));
  for (const table of tables) stbl.addBox(table);
  return trak;
}

/** Width and height to show, as 16.16 numbers: those of the picture, made larger to the shape of its pixels. */
function displaySize({ width, height, pixelAspect }: TrackSetup & { readonly kind: 'video' }): [number, number] {
  const [across, down] = pixelAspect ?? [1, 1];
  return across >= down
    ? [Math.round((width * across * 65536) / down), height * 65536]
    : [width * 65536, Math.round((height * down * 65536) / across)];
}

function entryBox(setup: TrackSetup): Box {
  if (setup.kind === 'video') {
    const entry = new sampleEntry[setup.format]();
    entry.data_reference_index = 1;
    entry.width = setup.width;
    entry.height = setup.height;
    entry.horizresolution = 72 << 16;
    entry.vertresolution = 72 << 16;
    entry.frame_count = 1;
    entry.compressorname = '';
    entry.depth = 24;
    entry.addBox(rawBox(setup.format === 'avc1' ? 'avcC' : 'hvcC', setup.config));
    const { pixelAspect } = setup;
    if (pixelAspect !== undefined) entry.addBox(rawBox('pasp', uint32s(pixelAspect)));
    return entry;
  }
  const { format, channels, timescale, config } = setup;
  const entry = new sampleEntry.mp4a();
  entry.data_reference_index = 1;
  entry.channel_count = channels;
  entry.samplesize = 16;
  // 16 bits for the frequency: a higher one is told by mdhd alone.
  entry.samplerate = timescale < 65536 ? timescale : 0;
  if (format === 'mp4a') {
    entry.addBox(rawBox('esds', elementaryStreamDescriptor(config)));
    return entry;
  }
  // G.711 has the same entry under another name, which mp4box does not know.
  const bytes = writeBoxes(entry);
  return rawBox(format, bytes.subarray(8));
}

function uint32s(values: readonly number[]): Uint8Array {
  const data = new Uint8Array(values.length * 4);
  const view = new DataView(data.buffer);
  values.forEach((value, index) => {
    view.setUint32(index * 4, value);
  });
  return data;
}

/** The content of `esds`: version and flags, and an ES_Descriptor for AAC (ISO/IEC 14496-1 section 7.2.6). */
function elementaryStreamDescriptor(audioSpecificConfig: Uint8Array): Uint8Array {
  const AUDIO_ISO_IEC_14496_3 = 0x40;
  const AUDIO_STREAM = 0x15;
  const unknownRates = new Array<number>(11).fill(0);
  const specific = descriptor(5, [...audioSpecificConfig]);
  const decoder = descriptor(4, [AUDIO_ISO_IEC_14496_3, AUDIO_STREAM, ...unknownRates, ...specific]);
  const syncLayer = descriptor(6, [2]);
  return Uint8Array.from([0, 0, 0, 0, ...descriptor(3, [0, 0, 0, ...decoder, ...syncLayer])]);
}

function descriptor(tag: number, content: readonly number[]): number[] {
  const size = content.length;
  const length = [21, 14, 7].filter((bits) => size >= 2 ** bits).map((bits) => 0x80 | ((size >> bits) & 0x7f));
  return [tag, ...length, size & 0x7f, ...content];
}
