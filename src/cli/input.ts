import { createReadStream } from 'node:fs';

/** The bytes of a file, or of standard input for `-`. A file that cannot be read fails at the first read. */
export function openInput(file: string): AsyncIterable<Uint8Array> {
  return file === '-' ? process.stdin : createReadStream(file, { highWaterMark: 256 * 1024 });
}
