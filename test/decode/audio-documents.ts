import { writeElement, writeHeader, writeMaster } from '../../src/ebml/writer.js';
import { Mkv } from '../../src/mkv/elements.js';

/** A track of PCM of 16 bits, little-endian. */
export interface PcmTrack {
  readonly number: number;
  readonly name?: string;
  readonly rate?: number;
  readonly channels?: number;
}

/** A frame of a made document. */
export interface MadeFrame {
  readonly track: number;
  /** In milliseconds. */
  readonly time: number;
  readonly data: Uint8Array;
}

/** A Matroska document of PCM tracks; a Cluster for each list of frames. */
export function pcmDocument(
  tracks: readonly PcmTrack[],
  clusters: readonly (readonly MadeFrame[])[],
  tags: Readonly<Record<string, string>> = {},
): Uint8Array {
  const entries = tracks.map(({ number, name, rate = 8000, channels = 1 }) =>
    writeMaster(Mkv.TrackEntry, [
      writeElement(Mkv.TrackNumber, number),
      writeElement(Mkv.TrackUID, number),
      writeElement(Mkv.TrackType, 2),
      writeElement(Mkv.CodecID, 'A_PCM/INT/LIT'),
      ...(name === undefined ? [] : [writeElement(Mkv.Name, name)]),
      writeMaster(Mkv.Audio, [
        writeElement(Mkv.SamplingFrequency, rate),
        writeElement(Mkv.Channels, channels),
        writeElement(Mkv.BitDepth, 16),
      ]),
    ]),
  );
  const simpleTags = Object.entries(tags).map(([name, value]) =>
    writeMaster(Mkv.Tag, [
      writeMaster(Mkv.SimpleTag, [writeElement(Mkv.TagName, name), writeElement(Mkv.TagString, value)]),
    ]),
  );
  const segment = [
    writeMaster(Mkv.Info, [writeElement(Mkv.TimestampScale, 1_000_000)]),
    writeMaster(Mkv.Tracks, entries),
    ...clusters.map(clusterOf),
    ...(simpleTags.length === 0 ? [] : [writeMaster(Mkv.Tags, simpleTags)]),
  ];
  return join([writeMaster(Mkv.EBML, [writeElement(Mkv.DocType, 'matroska')]), writeMaster(Mkv.Segment, segment)]);
}

function clusterOf(frames: readonly MadeFrame[]): Uint8Array {
  const base = frames.reduce((least, { time }) => Math.min(least, time), Number.POSITIVE_INFINITY);
  const blocks = frames.map(({ track, time, data }) => {
    const offset = time - base;
    const head = Uint8Array.of(0x80 | track, offset >> 8, offset & 0xff, 0x80);
    return join([writeHeader(Mkv.SimpleBlock, head.length + data.length), head, data]);
  });
  return writeMaster(Mkv.Cluster, [writeElement(Mkv.Timestamp, base), ...blocks]);
}

/** Bytes one behind the other. */
export function join(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Samples of 16 bits as bytes, little-endian. */
export function pcmOf(samples: ArrayLike<number>): Uint8Array {
  const bytes = new Uint8Array(samples.length * 2);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < samples.length; i++) view.setInt16(i * 2, samples[i]!, true);
  return bytes;
}
