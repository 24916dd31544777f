import { crc32 } from '../../src/ebml/crc32.js';
import { type ReadFragmentsOptions, readFragments, readFrames } from '../../src/fragments/read.js';
import { Mkv } from '../../src/mkv/elements.js';
import { MkvParseError } from '../../src/mkv/parse-error.js';
import { applyVisitor } from '../../src/mkv/streams.js';
import { MkvChildElementCollector } from '../../src/visitors/child-element-collector.js';
import { CompositeMkvElementVisitor } from '../../src/visitors/composite-visitor.js';
import { CopyVisitor } from '../../src/visitors/copy-visitor.js';
import { CountVisitor } from '../../src/visitors/count-visitor.js';
import type { FragmentMetadata } from '../../src/visitors/fragment-metadata.js';
import type { Frame } from '../../src/visitors/frame.js';
import { FrameVisitor, SimpleFrameVisitor } from '../../src/visitors/frame-visitor.js';
import { LogVisitor } from '../../src/visitors/log-visitor.js';
import { ElementSizeAndOffsetVisitor } from '../../src/visitors/size-and-offset-visitor.js';
import { BasicMkvTagProcessor } from '../../src/visitors/tag-processor.js';
import { ensure, ensureSame, kindOf } from '../finding.js';
import { damageCluster } from '../forgery.js';
import { Choices } from '../input.js';
import { readAll } from '../reading.js';
import { streamSeeds } from '../seeds.js';
import type { FuzzTarget } from '../target.js';

/** readFrames, readFragments and every visitor; and what damage in one Cluster can do to the other fragments. */
export const frames: FuzzTarget = {
  name: 'frames',
  ebml: true,
  seeds: streamSeeds,
  async run({ choice, bytes }, features) {
    const c = new Choices(choice);
    if (c.oneIn(3)) return visit(bytes, c, features);
    if (c.oneIn(3)) return damage(bytes, c, features);
    const options: ReadFragmentsOptions = {
      strict: c.oneIn(5),
      recover: c.oneIn(2),
      verifyCrc: c.oneIn(4),
      expectTrailingTags: c.oneIn(4),
    };
    const single = await list([bytes.slice()], options, features);
    ensureSame((await list(c.chunks(bytes), options, features)).lines, single.lines, 'frames in chunks and whole');
    const gathered = await listFragments([bytes.slice()], options, features);
    const chunked = await listFragments(c.chunks(bytes), options, features);
    ensureSame(chunked.lines, gathered.lines, 'fragments in chunks and whole');
    // What readFragments gives are the frames of readFrames; it may lack those of a last fragment that an error ended.
    ensureSame(
      gathered.frames,
      gathered.failed ? single.frames.slice(0, gathered.frames.length) : single.frames,
      'frames of fragments and frames',
    );
  },
};

/**
 * Damage within one Cluster whose size holds: fragments that have no part in it are what they were, and none is given that was not written.
 */
async function damage(bytes: Uint8Array, c: Choices, features: Set<string>): Promise<void> {
  const whole = readAll([bytes], bytes, { recover: true });
  if (whole.gaps.length > 0 || whole.truncated || whole.warnings.length > 0) return;
  const damaged = damageCluster(whole, bytes, c);
  if (damaged === undefined) return;
  const before = await listFragments([bytes.slice()], { recover: true }, new Set());
  const after = await listFragments(c.chunks(damaged.bytes), { recover: true }, features);
  const numbers = (lines: readonly string[]) => lines.flatMap((line) => /^fragment \w+ (\w+)/.exec(line)?.[1] ?? []);
  const written = new Set(numbers(before.lines));
  for (const number of numbers(after.lines))
    ensure(written.has(number), () => `a fragment that nobody wrote: <${number}>`);
  // Of the fragment that is damaged, frames may be wrong in the Block that is, and missing behind it.
  const known = new Set(before.lines);
  const strange = documentsOf(after.lines).filter((lines) => lines.some((line) => !known.has(line)));
  ensure(strange.length <= 1, () => `damage in one fragment changes <${strange.length}>`);
}

/** The lines of each fragment. */
function documentsOf(lines: readonly string[]): string[][] {
  const documents: string[][] = [];
  for (const line of lines) {
    if (line.startsWith('fragment ')) documents.push([]);
    if (!line.startsWith('gap ')) documents.at(-1)?.push(line);
  }
  return documents;
}

interface Listing {
  /** All that came, as lines, and the error. */
  readonly lines: string[];
  /** What frames came. */
  readonly frames: string[];
  readonly failed: boolean;
}

async function list(
  chunks: readonly Uint8Array[],
  options: ReadFragmentsOptions,
  features: Set<string>,
): Promise<Listing> {
  const lines: string[] = [];
  const found: Frame[] = [];
  const failed = await untilError(features, lines, async () => {
    for await (const frame of readFrames(chunks, {
      ...options,
      onGap: (gap) => lines.push(`gap ${gap.offset} ${gap.length}`),
    })) {
      found.push(frame);
      lines.push(`${describe(frame)} of ${frame.fragment?.fragmentNumber}`);
    }
  });
  return { lines, frames: found.map(describe), failed };
}

async function listFragments(
  chunks: readonly Uint8Array[],
  options: ReadFragmentsOptions,
  features: Set<string>,
): Promise<Listing> {
  const lines: string[] = [];
  const found: string[] = [];
  const failed = await untilError(features, lines, async () => {
    const onGap = (gap: { offset: number; length: number }) => lines.push(`gap ${gap.offset} ${gap.length}`);
    for await (const fragment of readFragments(chunks, { ...options, onGap })) {
      const own = fragment.frames.map(describe);
      found.push(...own);
      lines.push(`fragment ${fragment.truncated} ${metadataLine(fragment.metadata)} ${own.length}`, ...own);
      for (const track of fragment.tracks) {
        ensure(track.codecId === track.codecId.split('\0')[0], 'a CodecID goes on behind its end');
        lines.push(`${track.number} ${track.uid} ${track.type} ${track.codecId} ${track.elements.length}`);
      }
      lines.push(...fragment.tags.map(({ name, value, children }) => `${name}=${value} ${children.length}`));
      features.add(`fragment ${fragment.truncated} ${fragment.metadata === undefined} ${Math.min(3, own.length)}`);
      if (fragment.error !== undefined) features.add(`service error ${fragment.error.code}`.slice(0, 40));
    }
  });
  return { lines, frames: found, failed };
}

function metadataLine(metadata: FragmentMetadata | undefined): string {
  if (metadata === undefined) return 'none';
  const { fragmentNumber, serverTimestamp, producerTimestamp, millisBehindNow, continuationToken, error } = metadata;
  for (const date of [serverTimestamp, producerTimestamp])
    ensure(date === undefined || !Number.isNaN(date.getTime()), 'a time that is none');
  ensure(millisBehindNow === undefined || Number.isFinite(millisBehindNow), 'millis behind now are no number');
  const times = [serverTimestamp, producerTimestamp].map((date) => date?.getTime());
  return [fragmentNumber, ...times, millisBehindNow, continuationToken, error?.code, error?.message].join(' ');
}

function describe(frame: Frame): string {
  const { parts, size, timestamp, duration } = frame;
  let crc = 0;
  for (const part of parts) crc = crc32(part, crc);
  const { data } = frame;
  ensure(data.length === size, 'a frame has another size than its data');
  ensure(crc32(data) === crc, 'parts of a frame are other bytes than its data');
  ensure(Number.isFinite(timestamp), () => `a frame at <${timestamp}>`);
  ensure(duration === undefined || (Number.isFinite(duration) && duration >= 0), () => `a frame lasts <${duration}>`);
  const flags = [frame.keyframe, frame.invisible, frame.discardable, frame.storage, frame.discardPadding].join(' ');
  return `frame of ${frame.track.number} at ${timestamp} for ${duration} ${flags}: ${size} ${crc32(data)}`;
}

/** Every visitor, by the stream functions; only `MkvParseError` may come of it. */
async function visit(bytes: Uint8Array, c: Choices, features: Set<string>): Promise<void> {
  const lines: string[] = [];
  const copied: Uint8Array[] = [];
  const count = new CountVisitor();
  const tags = new BasicMkvTagProcessor(c.pick([1, 100]));
  const collectors = [new MkvChildElementCollector(Mkv.Tracks), new MkvChildElementCollector(Mkv.EBML)];
  const async = c.oneIn(3);
  const wait = <T>(value: T) => (async ? Promise.resolve(value) : undefined);
  let at = 0;
  const visitor = new CompositeMkvElementVisitor(
    new CopyVisitor((part) => {
      copied.push(part.slice());
      return wait(part);
    }),
    new LogVisitor((line) => lines.push(line)),
    count,
    ...collectors,
    new ElementSizeAndOffsetVisitor((place) => {
      ensure(place.offset >= at, 'an element is reported behind a later one');
      at = place.offset;
    }),
    new SimpleFrameVisitor((block) => void lines.push(`block ${block.trackNumber} ${block.frameCount}`)),
    new FrameVisitor({ process: (frame) => wait(lines.push(describe(frame))) }, { tagProcessor: tags }),
  );
  const failed = await untilError(features, lines, () =>
    applyVisitor(c.chunks(bytes), visitor, { strict: c.oneIn(5), verifyCrc: c.oneIn(5) }),
  );
  const copy = Buffer.concat(copied);
  ensure(Buffer.compare(copy, bytes.subarray(0, copy.length)) === 0, 'a copy differs from the stream');
  ensure(failed || collectors.every((collector) => collector.equivalent(collector)), 'a collector differs from itself');
}

/** @returns whether it ended by a `MkvParseError`, which is the only error it may end by */
async function untilError(features: Set<string>, lines: string[], run: () => Promise<void>): Promise<boolean> {
  try {
    await run();
    return false;
  } catch (error) {
    if (!(error instanceof MkvParseError)) throw error;
    lines.push(`${error.code}: ${error.message}`);
    features.add(kindOf(error.message));
    return true;
  }
}
