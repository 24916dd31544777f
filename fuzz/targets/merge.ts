import { crc32 } from '../../src/ebml/crc32.js';
import { ChunkMerger } from '../../src/merge/chunk-merger.js';
import type { OutputRewrite, OutputSegmentMergerOptions } from '../../src/merge/merge-options.js';
import { OutputSegmentMerger } from '../../src/merge/output-segment-merger.js';
import { Mkv } from '../../src/mkv/elements.js';
import { MkvParseError } from '../../src/mkv/parse-error.js';
import { type MkvReaderOptions, StreamingMkvReader } from '../../src/mkv/reader.js';
import { ensure, ensureSame } from '../finding.js';
import { Choices } from '../input.js';
import { readAll } from '../reading.js';
import { streamSeeds } from '../seeds.js';
import type { FuzzTarget } from '../target.js';

/** What merging gave. */
interface Merged {
  readonly bytes: Uint8Array;
  readonly error: MkvParseError | undefined;
  /** Counters, and where new documents begin, in words. */
  readonly events: readonly string[];
  readonly dropped: number;
}

/** The merger: the same output for every chunking and by every way in, and well-formed where the input is. */
export const merge: FuzzTarget = {
  name: 'merge',
  ebml: true,
  seeds: streamSeeds,
  // closeTruncated() fills a Cluster, which may say that it has 64 MiB, in each of three readings.
  filling: 200 << 20,
  run({ choice, bytes }, features) {
    const c = new Choices(choice);
    const reading: MkvReaderOptions = { recover: c.oneIn(3), strict: c.oneIn(4), verifyCrc: c.oneIn(4) };
    const merging: OutputSegmentMergerOptions = {
      packClusters: c.oneIn(2),
      keepPositions: c.oneIn(3),
      startAtZero: c.oneIn(4),
      stopAtFirstNonMatchingSegment: c.oneIn(4),
      ...(c.oneIn(6) ? { mergeOn: c.pick([[], [Mkv.Tracks], [Mkv.Info, Mkv.Tracks]]) } : {}),
      // Each way of merging has its own list of what is to be rewritten.
      ...(c.oneIn(4) ? { keepPositions: false, seekable: () => {} } : {}),
    };
    const close = c.oneIn(2);
    const whole = mergeChunks([bytes.slice()], { ...reading, ...merging }, close);
    const parts = mergeChunks(c.chunks(bytes), { ...reading, ...merging }, close);
    const visited = mergeElements(c.chunks(bytes), reading, merging, close);
    for (const [name, other] of [
      ['in chunks', parts],
      ['as a visitor', visited],
    ] as const) {
      ensureSame(other.events, whole.events, `merged whole and ${name}`);
      // What an error cuts short may have been on its way out.
      if (whole.error === undefined)
        ensure(Buffer.compare(other.bytes, whole.bytes) === 0, `merged whole and ${name}: other bytes`);
    }
    for (const event of whole.events) features.add(event.replace(/\d+/g, ''));
    if (whole.error === undefined) ensureOutput(bytes, whole, reading, merging);
  },
};

function ensureOutput(
  bytes: Uint8Array,
  merged: Merged,
  reading: MkvReaderOptions,
  merging: OutputSegmentMergerOptions,
): void {
  const input = readAll([bytes], bytes, {});
  const fine = input.error === undefined && input.warnings.length === 0 && !input.truncated;
  if (
    merging.mergeOn !== undefined &&
    [...merging.mergeOn].length === 0 &&
    fine &&
    merging.stopAtFirstNonMatchingSegment !== true
  ) {
    ensure(Buffer.compare(merged.bytes, bytes) === 0, 'merging on nothing changes the stream');
  }
  if (reading.recover !== true && input.error === undefined && !input.truncated && input.warnings.length === 0) {
    const output = readAll([merged.bytes], merged.bytes, {});
    ensure(output.error === undefined, () => `output is no stream: <${output.error?.message}>`);
    ensure(output.warnings.length === 0, () => `output has <${output.warnings[0]?.message}>`);
    ensure(!output.truncated, 'output is cut off');
    // Without options, what goes in is what comes out, in the order it had.
    if (merging.stopAtFirstNonMatchingSegment !== true && merged.dropped === 0) {
      const times = merging.packClusters !== true && merging.startAtZero !== true;
      ensureSame(blocksOf(merged.bytes, times), blocksOf(bytes, times), 'blocks of output and input');
    }
  }
  // What is accepted with a warning never makes what a strict reader refuses.
  if (reading.recover !== true && input.error === undefined && !input.truncated && merging.mergeOn === undefined) {
    const strict = readAll([merged.bytes], merged.bytes, { strict: true });
    ensure(strict.error === undefined, () => `the strict reader refuses the output: <${strict.error?.message}>`);
  }
  if (reading.verifyCrc === true && reading.recover !== true && fine) {
    const checked = readAll([merged.bytes], merged.bytes, { verifyCrc: true });
    ensure(checked.error === undefined, () => `output has a wrong checksum: <${checked.error?.message}>`);
  }
}

/** The data of all Blocks within Clusters, without their times unless these are to be compared too. */
function blocksOf(bytes: Uint8Array, times: boolean): string[] {
  const blocks: string[] = [];
  const reader = new StreamingMkvReader();
  reader.push(bytes);
  reader.end();
  let time = 0n;
  for (let element = reader.nextIfAvailable(); element !== undefined; element = reader.nextIfAvailable()) {
    if (element.kind !== 'data' || !element.path.some(({ type }) => type === Mkv.Cluster)) continue;
    if (element.is(Mkv.Timestamp) && element.dataSize <= 8) time = element.bigintValue;
    if (!element.is(Mkv.SimpleBlock) && !element.is(Mkv.Block)) continue;
    blocks.push(
      times ? `${element.type.name} ${time} ${crc32(element.data)}` : `${element.type.name} ${element.dataSize}`,
    );
  }
  return blocks;
}

function mergeChunks(
  chunks: readonly Uint8Array[],
  options: OutputSegmentMergerOptions & MkvReaderOptions,
  close: boolean,
): Merged {
  const events: string[] = [];
  const rewrites: OutputRewrite[] = [];
  const merger = new ChunkMerger({
    ...options,
    seekable: options.seekable && ((rewrite) => void rewrites.push(rewrite)),
    onNewDocument: ({ offset, message }) => events.push(`${offset} ${message}`),
  });
  const pieces: Uint8Array[] = [];
  // A piece may be a view of memory that the merger uses again.
  const take = (parts: readonly Uint8Array[]) => pieces.push(...parts.map((part) => part.slice()));
  const error = untilError(() => {
    for (const chunk of chunks) take(merger.push(chunk));
    take(merger.end());
    if (close && merger.truncated) take(merger.closeTruncated());
    if (options.seekable !== undefined) take(merger.finish());
  });
  const { counters, stopped } = merger.merger;
  return result(pieces, rewrites, error, events, { counters, stopped, truncated: merger.truncated });
}

function mergeElements(
  chunks: readonly Uint8Array[],
  reading: MkvReaderOptions,
  merging: OutputSegmentMergerOptions,
  close: boolean,
): Merged {
  const events: string[] = [];
  const pieces: Uint8Array[] = [];
  const rewrites: OutputRewrite[] = [];
  const merger = new OutputSegmentMerger((part) => void pieces.push(part.slice()), {
    ...merging,
    seekable: merging.seekable && ((rewrite) => void rewrites.push(rewrite)),
    onNewDocument: ({ offset, message }) => events.push(`${offset} ${message}`),
  });
  const reader = new StreamingMkvReader(reading);
  const drain = () => {
    while (!merger.isDone()) {
      const element = reader.nextIfAvailable();
      if (element === undefined) return;
      element.accept(merger);
    }
  };
  const error = untilError(() => {
    for (const chunk of chunks) {
      reader.push(chunk);
      drain();
    }
    reader.end();
    drain();
    merger.visitStreamEnd(reader.truncated);
    if (close && merger.truncated) merger.closeTruncated();
    if (merging.seekable !== undefined) merger.finish();
  });
  return result(pieces, rewrites, error, events, merger);
}

function result(
  pieces: readonly Uint8Array[],
  rewrites: readonly OutputRewrite[],
  error: MkvParseError | undefined,
  events: string[],
  { counters, truncated, stopped }: Pick<OutputSegmentMerger, 'counters' | 'truncated' | 'stopped'>,
): Merged {
  // By Node, because what the library allocates is counted, and this is not the library's.
  const { buffer, byteOffset, length } = Buffer.concat(pieces);
  const bytes = new Uint8Array(buffer, byteOffset, length);
  for (const rewrite of rewrites) {
    if (rewrite.position + rewrite.bytes.length <= bytes.length) bytes.set(rewrite.bytes, rewrite.position);
    else ensure(error !== undefined, 'bytes to rewrite that were not written');
  }
  if (error === undefined) {
    ensure(counters.bytes === bytes.length, 'bytes are counted wrong');
    events.push(`${JSON.stringify(counters)} ${truncated} ${stopped?.message}`);
  } else {
    events.push(error.message);
  }
  return { bytes, error, events, dropped: counters.clustersDropped };
}

function untilError(run: () => void): MkvParseError | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (!(error instanceof MkvParseError)) throw error;
    return error;
  }
}
