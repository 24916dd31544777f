import { expect, it } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import { type Frame, FrameVisitor, Mkv, readFrames, writeElement, writeMaster } from '../../src/index.js';
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
    // Without a Timestamp, against the standard: it counts from 0.
    writeMaster(Mkv.Cluster, [block()]),
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
