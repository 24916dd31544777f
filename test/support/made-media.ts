import { BufferSource, BufferTarget, Conversion, Input, MATROSKA, Output, WEBM, WebMOutputFormat } from 'mediabunny';
import { concatBytes } from '../../src/ebml/writer.js';
import { Mkv, writeElement, writeMaster } from '../../src/index.js';
import { readChunks } from './read-all.js';

/** The same packets as mediabunny writes them to a live stream: Segment and Clusters have unknown sizes. */
export async function writeWithUnknownSizes(source: Uint8Array): Promise<Uint8Array> {
  const target = new BufferTarget();
  const conversion = await Conversion.init({
    input: new Input({ source: new BufferSource(source), formats: [MATROSKA, WEBM] }),
    output: new Output({ format: new WebMOutputFormat({ appendOnly: true, minimumClusterDuration: 0.4 }), target }),
  });
  await conversion.execute();
  if (target.buffer === null) throw new Error('mediabunny wrote nothing');
  return new Uint8Array(target.buffer);
}

/** The sync word that every AC-3 frame begins with. */
const SYNC_WORD = Uint8Array.of(0x0b, 0x77);

/**
 * The frames of a file with one AC-3 track of 48 kHz without their first two bytes, which ContentCompSettings has instead (RFC 9559
 * section 5.1.4.1.31.7).
 */
export function stripHeaders(source: Uint8Array): Uint8Array {
  const blocks = framesOf(source).map((frame, index) => {
    // Track 1, 32 ms a frame, key frame.
    const header = Uint8Array.of(0x81, (index * 32) >> 8, (index * 32) & 0xff, 0x80);
    return writeElement(Mkv.SimpleBlock, concatBytes([header, frame.subarray(2)]));
  });
  const encoding = writeMaster(Mkv.ContentEncoding, [
    writeMaster(Mkv.ContentCompression, [
      writeElement(Mkv.ContentCompAlgo, 3),
      writeElement(Mkv.ContentCompSettings, SYNC_WORD),
    ]),
  ]);
  return ac3File(blocks, [writeMaster(Mkv.ContentEncodings, [encoding])]);
}

function framesOf(source: Uint8Array): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (const element of readChunks([source])) {
    if (element.kind === 'data' && element.is(Mkv.SimpleBlock)) frames.push(...element.value.frames);
  }
  return frames;
}

/** A file of one AC-3 track and one Cluster. */
function ac3File(blocks: readonly Uint8Array[], trackChildren: readonly Uint8Array[]): Uint8Array {
  return concatBytes([
    writeMaster(Mkv.EBML, [
      writeElement(Mkv.DocType, 'matroska'),
      writeElement(Mkv.DocTypeVersion, 4),
      writeElement(Mkv.DocTypeReadVersion, 2),
    ]),
    writeMaster(Mkv.Segment, [
      writeMaster(Mkv.Info, [
        writeElement(Mkv.TimestampScale, 1_000_000),
        writeElement(Mkv.MuxingApp, 'test'),
        writeElement(Mkv.WritingApp, 'test'),
      ]),
      writeMaster(Mkv.Tracks, [
        writeMaster(Mkv.TrackEntry, [
          writeElement(Mkv.TrackNumber, 1),
          writeElement(Mkv.TrackUID, 1n),
          writeElement(Mkv.TrackType, 2),
          writeElement(Mkv.DefaultDuration, 32_000_000),
          writeElement(Mkv.CodecID, 'A_AC3'),
          writeMaster(Mkv.Audio, [writeElement(Mkv.SamplingFrequency, 48000), writeElement(Mkv.Channels, 1)]),
          ...trackChildren,
        ]),
      ]),
      writeMaster(Mkv.Cluster, [writeElement(Mkv.Timestamp, 0), ...blocks]),
    ]),
  ]);
}
