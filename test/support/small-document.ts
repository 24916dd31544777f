import { Mkv, writeElement, writeHeader, writeMaster } from '../../src/index.js';

/** What the frames of {@link smallDocument} are like. */
export interface SmallDocumentOptions {
  /** Clusters in the document, 2 by default. */
  readonly clusters?: number;
  /** SimpleBlocks in each Cluster, 3 by default. */
  readonly blocks?: number;
  /** Length of a frame in bytes, 20 by default. */
  readonly frameSize?: number;
}

/** One document as GetMedia sends it: a Segment of unknown size with Info, Tracks, Tags and Clusters of known size. */
export function smallDocument({ clusters = 2, blocks = 3, frameSize = 20 }: SmallDocumentOptions = {}): Uint8Array {
  const parts = [
    writeMaster(Mkv.EBML, [writeElement(Mkv.DocType, 'matroska'), writeElement(Mkv.DocTypeVersion, 4)]),
    writeHeader(Mkv.Segment, undefined, { sizeLength: 8 }),
    writeMaster(Mkv.Info, [
      writeElement(Mkv.TimestampScale, 1_000_000),
      writeElement(Mkv.MuxingApp, 'test'),
      writeElement(Mkv.WritingApp, 'test'),
    ]),
    writeMaster(Mkv.Tracks, [
      writeMaster(Mkv.TrackEntry, [
        writeElement(Mkv.TrackNumber, 1),
        writeElement(Mkv.TrackUID, 1n),
        writeElement(Mkv.TrackType, 1),
        writeElement(Mkv.CodecID, 'V_MPEG4/ISO/AVC'),
      ]),
    ]),
    writeMaster(Mkv.Tags, [
      writeMaster(Mkv.Tag, [
        writeMaster(Mkv.SimpleTag, [
          writeElement(Mkv.TagName, 'AWS_KINESISVIDEO_FRAGMENT_NUMBER'),
          writeElement(Mkv.TagString, '91343852333181432392682062607743920142267644735'),
        ]),
      ]),
    ]),
  ];
  for (let cluster = 0; cluster < clusters; cluster++) {
    const children = [writeElement(Mkv.Timestamp, cluster * 1000)];
    for (let block = 0; block < blocks; block++) {
      const data = new Uint8Array(4 + frameSize).fill(block);
      data.set([0x81, 0, block * 33, block === 0 ? 0x80 : 0]);
      children.push(writeElement(Mkv.SimpleBlock, data));
    }
    parts.push(writeMaster(Mkv.Cluster, children));
  }
  return new Uint8Array(Buffer.concat(parts));
}
