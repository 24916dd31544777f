import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { applyVisitor, MkvParseError, readElements, readFragments, readFrames } from '../../src/index.js';
import { describeForeign } from '../../src/mkv/foreign.js';

const text = (words: string) => new TextEncoder().encode(words);

const FOREIGN: readonly (readonly [bytes: Uint8Array, what: string])[] = [
  [text('Service Unavailable\n'), 'text'],
  [text('grüße, 世界 '.repeat(80)), 'text'],
  [Uint8Array.of(0xff, 0xfe, 0x68, 0, 0x69, 0), 'text'],
  [text('<!DOCTYPE html><title>503</title>'), 'HTML'],
  [text('\n<html><body>'), 'HTML'],
  [text('<?xml version="1.0"?><Error/>'), 'XML'],
  [text('#EXTM3U\n#EXT-X-VERSION:7\n'), 'an HLS playlist'],
  [
    text('{"__type":"com.amazon#ResourceNotFoundException","Message":"The requested stream is not found."}'),
    'a JSON error of the service (ResourceNotFoundException: The requested stream is not found.)',
  ],
  [text('{"a": [1, 2]}'), 'JSON'],
  [gzipSync(text('anything')), 'gzip'],
  [text('\0\0\0\x18ftypisom\0\0\0\0'), 'MP4'],
  [text('\0\0\0\x08moof'), 'MP4'],
  [Uint8Array.from({ length: 376 }, (_, i) => (i % 188 === 0 ? 0x47 : 0xff)), 'an MPEG transport stream'],
  [Uint8Array.of(0, 0, 0, 1, 0x67, 0x42), 'an H.264 or H.265 byte stream (Annex B)'],
  [Uint8Array.of(0xff, 0xd8, 0xff, 0xe0), 'JPEG'],
  [text('RIFF\0\0\0\0WAVE'), 'WAV'],
  [text('OggS\0'), 'Ogg'],
];

it.each(FOREIGN)('names %o: %s', async (bytes, what) => {
  expect(describeForeign(bytes)).toBe(what);
  const message = new RegExp(`^byte \\d+: this is ${what.replaceAll(/[()[\].]/g, '\\$&')}, not Matroska$`);
  const read = async (stream: AsyncIterable<unknown>) => {
    for await (const _ of stream);
  };
  // Also where the first chunk does not tell.
  for (const chunks of [[bytes], Array.from(bytes, (byte) => Uint8Array.of(byte))]) {
    for (const run of [
      () => read(readElements(chunks)),
      () => read(readFragments(chunks)),
      () => read(readFrames(chunks)),
      () => applyVisitor(chunks, { visitStart() {}, visitData() {}, visitEnd() {} }),
    ]) {
      const error = await run().catch((thrown: unknown) => thrown);
      // Two letters of UTF-16 may be the beginning of an element.
      if (error === undefined) expect(bytes[0]).toBe(0xff);
      else expect(error).toBeInstanceOf(MkvParseError);
      if (error instanceof MkvParseError) expect(error.message).toMatch(message);
    }
  }
});

it('does not name what may be Matroska, or nothing that is known', () => {
  expect(describeForeign(Uint8Array.of(0x1a, 0x45, 0xdf, 0xa3, 0x80))).toBeUndefined();
  expect(describeForeign(new Uint8Array(0))).toBeUndefined();
  expect(describeForeign(new Uint8Array(100))).toBeUndefined();
  expect(describeForeign(Uint8Array.of(0x80, 0x81, 0x82, 0x83, 0x84))).toBeUndefined();
});
