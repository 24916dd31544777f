// Figures that are counted and not timed: bytes that the reader copies, and what an idle reader keeps in memory. Needs --expose-gc.
import { StreamingMkvReader } from '../dist/index.js';
import { CHUNKINGS, cut, WORKLOADS } from './workloads.mjs';

const READERS = 1000;

/**
 * Bytes of data that the reader had to copy, for each byte of the stream, and those of elements that span chunks, which have to be. A data
 * element was copied when its bytes are in none of the buffers that were pushed.
 */
function copied(bytes, size) {
  const chunks = cut(bytes, size);
  const pushed = new Set(chunks.map(({ buffer }) => buffer));
  const reader = new StreamingMkvReader();
  let copies = 0;
  let spanning = 0;
  const drain = () => {
    for (let element = reader.nextIfAvailable(); element !== undefined; element = reader.nextIfAvailable()) {
      if (element.kind !== 'data' || element.dataSize === 0) continue;
      if (!pushed.has(element.data.buffer)) copies += element.dataSize;
      const start = element.offset + element.headerSize;
      const end = start + element.dataSize - 1;
      if (Math.floor(start / size) !== Math.floor(end / size)) spanning += element.dataSize;
    }
  };
  for (const chunk of chunks) {
    reader.push(chunk);
    drain();
  }
  reader.end();
  drain();
  return { copied: copies / bytes.length, spanning: spanning / bytes.length };
}

/** Heap and buffers that a reader keeps between two chunks, in the middle of a Cluster, with nothing left to give. */
function idle() {
  const [{ make }] = WORKLOADS;
  const bytes = make(1);
  const readers = [];
  const start = () => {
    const reader = new StreamingMkvReader();
    reader.push(bytes.slice(0, 4096));
    let end = 4096;
    for (let e = reader.nextIfAvailable(); e !== undefined; e = reader.nextIfAvailable()) {
      if (e.kind === 'start' && e.type.name === 'Cluster') end = e.offset + e.headerSize;
    }
    const again = new StreamingMkvReader();
    again.push(bytes.slice(0, end));
    while (again.nextIfAvailable() !== undefined);
    return again;
  };
  // The first ones take along what is made once, and give the engine time to throw away what it has compiled.
  for (let i = 0; i < READERS; i++) readers.push(start());
  const before = memory();
  for (let i = 0; i < READERS; i++) readers.push(start());
  return { bytesPerReader: (memory() - before) / READERS };
}

function memory() {
  for (let i = 0; i < 3; i++) globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const copies = [];
for (const { name, make, share = 1 } of WORKLOADS) {
  if (make === undefined) continue;
  const bytes = make(2 ** 22 * share);
  for (const { name: chunks, size } of CHUNKINGS) {
    if (size > 1) copies.push({ workload: name, chunks, ...copied(bytes, size) });
  }
}
process.stdout.write(JSON.stringify({ copies, idle: idle() }));
