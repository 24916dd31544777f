import { crc32 } from '../ebml/crc32.js';
import { writeElement } from '../ebml/writer.js';
import { Mkv } from '../mkv/elements.js';

/** The CRC-32 element of a master whose other children are these bytes (RFC 8794 section 11.3.1). */
export function writeCrcElement(content: Uint8Array): Uint8Array {
  const checksum = new Uint8Array(4);
  new DataView(checksum.buffer).setUint32(0, crc32(content), true);
  return writeElement(Mkv['CRC-32'], checksum);
}
