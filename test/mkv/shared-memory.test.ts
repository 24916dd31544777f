import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { readDocuments, readFragments, segmentMergerStream } from '../../src/index.js';

const recording = readFileSync('examples/recording/camera.mkv');

function* shared(): Generator<Uint8Array> {
  for (let at = 0; at < recording.length; at += 5000) {
    const chunk = new Uint8Array(new SharedArrayBuffer(Math.min(5000, recording.length - at)));
    chunk.set(recording.subarray(at, at + 5000));
    yield chunk;
    // Others may write to it as soon as they like.
    chunk.fill(0);
  }
}

it('nothing that is given lies in memory that other threads can change', async () => {
  let frames = 0;
  for await (const fragment of readFragments(shared())) {
    for (const frame of fragment.frames) {
      frames++;
      for (const part of [frame.data, ...frame.parts]) expect(part.buffer).toBeInstanceOf(ArrayBuffer);
    }
  }
  expect(frames).toBe(719);
  const bytes: Uint8Array[] = [];
  for await (const document of readDocuments(shared())) bytes.push(document.bytes);
  expect(Buffer.concat(bytes).equals(recording)).toBe(true);
  const { readable, writable } = segmentMergerStream();
  const writing = (async () => {
    const writer = writable.getWriter();
    for (const chunk of shared()) await writer.write(chunk);
    await writer.close();
  })();
  for await (const piece of readable) expect(piece.buffer).toBeInstanceOf(ArrayBuffer);
  await writing;
});
