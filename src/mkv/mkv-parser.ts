import type { DataLook } from '../ebml/element-sight.js';
import type { EbmlHandler } from '../ebml/handler.js';
import { EbmlParser } from '../ebml/parser.js';
import type { SyncMark } from '../ebml/sync-scanner.js';
import { MKV_SCHEMA, Mkv } from './elements.js';
import { MkvParseError } from './parse-error.js';
import type { MkvReaderOptions } from './reader-options.js';

/** EBML headers and Clusters, by the children that they begin with. */
export const SYNC_MARKS: readonly SyncMark[] = [
  // Ids of the EBML header's children begin with 0x42; Void; CRC-32.
  { id: 0x1a45dfa3, firstChildren: [0x42, 0xec, 0xbf] },
  // Timestamp, CRC-32, Position, PrevSize, SimpleBlock, BlockGroup, Void, SilentTracks, EncryptedBlock.
  { id: 0x1f43b675, firstChildren: [0xe7, 0xbf, 0xa7, 0xab, 0xa3, 0xa0, 0xec, 0x58, 0xaf] },
];

/** What an EBML header may call the documents that this reader is for. */
export const DOC_TYPES: readonly string[] = ['matroska', 'webm'];

const FLAGS_RESERVED = 0x70;

/** A Block begins with its track's number, mostly below 128, a time and flags of which three are reserved (RFC 9559 section 10). */
export const lookOfData: DataLook = (type, bytes, start, size) => {
  if (type !== Mkv.SimpleBlock && type !== Mkv.Block) return undefined;
  return size >= 4 && bytes[start]! > 0x80 && (bytes[start + 3]! & FLAGS_RESERVED) === 0;
};

/** A parser for Matroska that reads as `options` say and throws `MkvParseError`, for those who take its events themselves. */
export function openMkvParser<M>(handler: EbmlHandler<M>, options: MkvReaderOptions): EbmlParser<M> {
  const { recover, refuseUnknown } = options;
  return new EbmlParser(handler, {
    // With what the parser does not know: to leave it out takes longer than anything else here.
    ...options,
    schema: MKV_SCHEMA,
    docTypes: DOC_TYPES,
    landmarks: SYNC_MARKS,
    recoverAt: recover === true ? SYNC_MARKS : undefined,
    dataLook: lookOfData,
    closedMasters: refuseUnknown === true ? [Mkv.Segment] : undefined,
    createError: (code, offset, text) => new MkvParseError(code, offset, text),
  });
}
