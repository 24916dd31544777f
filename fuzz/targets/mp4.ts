import { crc32 } from '../../src/ebml/crc32.js';
import { concatBytes } from '../../src/ebml/writer.js';
import { MkvParseError } from '../../src/mkv/parse-error.js';
import {
  Mp4RemuxError,
  type Mp4Segment,
  type Mp4StreamOptions,
  mp4SegmentStream,
  remuxToMp4,
} from '../../src/mp4/index.js';
import { ensure, ensureSame } from '../finding.js';
import { Choices } from '../input.js';
import { mediaSeeds } from '../media-seeds.js';
import { checkFile, checkSegment } from '../mp4-checks.js';
import type { FuzzTarget } from '../target.js';

/** Remuxing to segments and to one file. */
export const mp4: FuzzTarget = {
  name: 'mp4',
  ebml: true,
  seeds: mediaSeeds,
  async run({ choice, bytes }, features) {
    const c = new Choices(choice);
    let tooFar = false;
    const note = (error: Error) => {
      tooFar ||= error.message.includes('too far from the others');
    };
    const recover = c.oneIn(2);
    const options: Mp4StreamOptions = {
      recover,
      ...(recover ? { onInvalidFragment: note } : {}),
      strict: c.oneIn(6),
      ...(c.oneIn(4) ? { tracks: (track) => track.type === 'video' } : {}),
    };
    if (c.oneIn(2)) {
      const chunkDuration = c.oneIn(3) ? c.pick([1, 100, 1000]) : undefined;
      const whole = await segments([bytes.slice()], { ...options, startAtZero: c.oneIn(2), chunkDuration }, features);
      const again = await segments(c.chunks(bytes), { ...options, startAtZero: false, chunkDuration }, features);
      if (!c.oneIn(2)) return;
      const third = await segments([bytes.slice()], { ...options, startAtZero: false, chunkDuration }, features);
      ensureSame(again, third, 'segments in chunks and whole');
      // Times that are refused as they are may be near each other.
      tooFar ||= again.at(-1)?.includes('too far from the others') === true;
      ensure(tooFar || mediaOf(whole) === mediaOf(again), 'times decide how many media segments there are');
    } else {
      const moov = c.pick(['first', 'last'] as const);
      const whole = await file([bytes.slice()], { ...options, moov }, features);
      const chunked = await file(c.chunks(bytes), { ...options, moov }, features);
      ensure(whole === chunked, () => `one file in chunks and whole: <${whole}> and <${chunked}>`);
    }
  },
};

async function segments(
  chunks: readonly Uint8Array[],
  options: Mp4StreamOptions,
  features: Set<string>,
): Promise<string[]> {
  const lines: string[] = [];
  const lasts = new Map<number, bigint>();
  const error = await untilError(async () => {
    for await (const segment of mp4SegmentStream(chunks, options)) {
      lines.push(checkSegment(segment, lasts));
      features.add(describe(segment));
    }
  });
  if (error !== undefined) features.add(error.replace(/\d+/g, ''));
  lines.push(error ?? 'the end');
  return lines;
}

function mediaOf(lines: readonly string[]): number {
  return lines.filter((line) => line.startsWith('media ')).length;
}

function describe(segment: Mp4Segment): string {
  if (segment.type === 'init') return segment.mimeType.replace(/\d+/g, '');
  const { independent, discontinuity, truncated, tracks } = segment;
  return `${independent} ${discontinuity} ${truncated} ${tracks.length}`;
}

async function file(
  chunks: readonly Uint8Array[],
  options: Mp4StreamOptions & { moov: 'first' | 'last' },
  features: Set<string>,
): Promise<string> {
  const pieces: Uint8Array[] = [];
  let facts = '';
  const error = await untilError(async () => {
    const result = await remuxToMp4(chunks, (bytes) => void pieces.push(bytes.slice()), options);
    const bytes = concatBytes(pieces);
    ensure(result.bytes === bytes.length, 'the size of the file is counted wrong');
    ensure(Number.isFinite(result.duration) && result.duration >= 0, () => `a duration of <${result.duration}>`);
    ensure(!/undefined|NaN|null/.test(result.mimeType), () => `a MIME type <${result.mimeType}>`);
    checkFile(bytes, options.moov);
    facts = `${bytes.length} ${crc32(bytes)} ${result.fragments} ${result.invalidFragments} ${result.truncated}`;
    features.add(`${result.mimeType} ${Math.min(3, result.fragments)}`.replace(/\d+/g, ''));
  });
  if (error !== undefined) features.add(error.replace(/\d+/g, ''));
  return error ?? facts;
}

async function untilError(run: () => Promise<void>): Promise<string | undefined> {
  try {
    await run();
    return undefined;
  } catch (error) {
    if (!(error instanceof MkvParseError) && !(error instanceof Mp4RemuxError)) throw error;
    return error.message;
  }
}
