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

/** A Block's flags for fixed-size lacing (RFC 9559 section 10.3.4), and those of a key frame in a SimpleBlock. */
const FLAGS = 0x80 | 0x04;

/**
 * The frames of a file with one AC-3 track of 64 kbit/s and 48 kHz, several to a SimpleBlock, in fixed-size lacing.
 *
 * @param together how many frames a Block has; the last may have fewer
 */
export function laceAgain(source: Uint8Array, together: number): Uint8Array {
  const frames: Uint8Array[] = [];
  for (const element of readChunks([source])) {
    if (element.kind === 'data' && element.is(Mkv.SimpleBlock)) frames.push(...element.value.frames);
  }
  const blocks: Uint8Array[] = [];
  for (let first = 0; first < frames.length; first += together) {
    const laces = frames.slice(first, first + together);
    const time = first * 32;
    const header = Uint8Array.of(0x81, time >> 8, time & 0xff, FLAGS, laces.length - 1);
    blocks.push(writeElement(Mkv.SimpleBlock, concatBytes([header, ...laces])));
  }
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
        ]),
      ]),
      writeMaster(Mkv.Cluster, [writeElement(Mkv.Timestamp, 0), ...blocks]),
    ]),
  ]);
}
