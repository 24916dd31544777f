import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import { type Frame, FrameVisitor, Mkv, readFrames, writeElement, writeMaster } from '../../src/index.js';
import { noise } from '../support/bytes.js';
import { split } from '../support/chunking.js';
import { documentHead } from '../support/kvs-documents.js';
import { readChunks } from '../support/read-all.js';

it('a frame is discardable by the flag of a SimpleBlock only, invisible by that of either Block', async () => {
  const flags = 0x08 | 0x01;
  const block = Uint8Array.of(0x81, 0, 0, flags, 7);
  const tracks = [{ number: 1, codecId: 'A_OPUS', codecDelay: 6_500_000 }];
  const bytes = concatBytes([
    documentHead(tracks),
    writeMaster(Mkv.Cluster, [
      writeElement(Mkv.Timestamp, 0),
      writeElement(Mkv.SimpleBlock, block),
      writeElement(Mkv.SimpleBlock, Uint8Array.of(0x81, 0, 0, 0, 7)),
      writeMaster(Mkv.BlockGroup, [writeElement(Mkv.Block, block)]),
    ]),
  ]);
  const frames: Frame[] = [];
  for await (const frame of readFrames(bytes)) frames.push(frame);
  expect(frames.map(({ discardable, invisible, codecDelay }) => [discardable, invisible, codecDelay])).toEqual([
    [true, true, 6500],
    [false, false, 6500],
    [false, true, 6500],
  ]);
});

it('a frame’s time and padding are those of its own Cluster and BlockGroup', async () => {
  const block = (...more: Uint8Array[]) =>
    writeMaster(Mkv.BlockGroup, [writeElement(Mkv.Block, Uint8Array.of(0x81, 0, 3, 0, 7)), ...more]);
  const bytes = concatBytes([
    documentHead([{ number: 1, codecId: 'A_OPUS' }]),
    writeMaster(Mkv.Cluster, [
      writeElement(Mkv.Timestamp, 1000),
      block(writeElement(Mkv.DiscardPadding, 5000), writeElement(Mkv.ReferencePriority, 9)),
      block(writeElement(Mkv.ReferencePriority, 9)),
    ]),
    writeMaster(Mkv.Cluster, [writeElement(Mkv.Timestamp, 0), block()]),
  ]);
  const found: unknown[] = [];
  const visitor = new FrameVisitor({
    process: ({ timestamp, discardPadding }) => void found.push([timestamp, discardPadding]),
  });
  for (const element of readChunks([bytes])) element.accept(visitor);
  expect(visitor.close()).toBeUndefined();
  expect(found).toEqual([
    [1_003_000, 5],
    [1_003_000, undefined],
    [3000, undefined],
  ]);
});

describe('a frame that spans chunks', () => {
  const data = noise(20_000, 3);
  const block = (flags: number, body: Uint8Array) => concatBytes([Uint8Array.of(0x81, 0, 0, flags), body]);
  const documentOf = (...blocks: Uint8Array[]) =>
    concatBytes([
      documentHead(),
      writeMaster(Mkv.Cluster, [
        writeElement(Mkv.Timestamp, 0),
        ...blocks.map((bytes) => writeElement(Mkv.SimpleBlock, bytes)),
        writeMaster(Mkv.BlockGroup, [writeElement(Mkv.Block, blocks[0] ?? data)]),
      ]),
    ]);
  const framesOf = (bytes: Uint8Array, size: number) => {
    const chunks = split(
      bytes,
      Array.from({ length: bytes.length / size }, () => size),
    ).map((chunk) => chunk.slice());
    const frames: Frame[] = [];
    const visitor = new FrameVisitor({ process: (frame) => void frames.push(frame) });
    for (const element of readChunks(chunks)) element.accept(visitor);
    return { frames, buffers: new Set<ArrayBufferLike>(chunks.map(({ buffer }) => buffer)) };
  };

  it('stays in them until its data are read, then is put together once', () => {
    const { frames, buffers } = framesOf(documentOf(block(0x80, data)), 5000);
    expect(frames).toHaveLength(2);
    for (const frame of frames) {
      expect(frame).toMatchObject({ keyframe: true, size: 20_000, timestamp: 0 });
      const { parts } = frame;
      expect(parts.length).toBeGreaterThan(3);
      expect(parts.every(({ buffer }) => buffers.has(buffer))).toBe(true);
      expect(Buffer.compare(concatBytes(parts), data)).toBe(0);
      const whole = frame.data;
      expect(buffers.has(whole.buffer)).toBe(false);
      expect(Buffer.compare(whole, data)).toBe(0);
      expect(frame.data.buffer).toBe(whole.buffer);
      // The chunks need not be kept any longer.
      expect(frame.parts.map(({ buffer }) => buffer)).toEqual([whole.buffer]);
    }
  });

  it('is told apart from the others of its Block', () => {
    const halves = [data.subarray(0, 10_000), data.subarray(10_000)];
    const { frames } = framesOf(documentOf(block(0x84, concatBytes([Uint8Array.of(1), data]))), 3000);
    expect(frames.map(({ size }) => size)).toEqual([10_000, 10_000, 10_000, 10_000]);
    for (const [index, { parts }] of frames.entries()) {
      expect(Buffer.compare(concatBytes(parts), halves[index % 2] ?? data)).toBe(0);
    }
  });

  it('is found wherever in its header the cut falls', () => {
    const bytes = documentOf(block(0x80, new Uint8Array(2000)), block(0x80, data));
    const start = bytes.length - data.length - 2050;
    for (let cut = start; cut < start + 60; cut++) {
      const frames: Frame[] = [];
      const visitor = new FrameVisitor({ process: (frame) => void frames.push(frame) });
      for (const element of readChunks([bytes.subarray(0, cut), bytes.subarray(cut)])) element.accept(visitor);
      expect(frames.map(({ size }) => size)).toEqual([2000, 20_000, 2000]);
      expect(Buffer.compare(concatBytes(frames[1]?.parts ?? []), data)).toBe(0);
      expect(Buffer.compare(frames[1]?.data ?? bytes, data)).toBe(0);
    }
  });
});
