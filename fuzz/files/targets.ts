import { concatBytes } from '../../src/ebml/writer.js';
import { readFragments, readFrames } from '../../src/fragments/read.js';
import { readDocuments } from '../../src/fragments/read-documents.js';
import { ChunkMerger } from '../../src/merge/chunk-merger.js';
import type { LeftOutElement, OutputRewrite } from '../../src/merge/merge-options.js';
import { MKV_SCHEMA, Mkv, type MkvMasterType } from '../../src/mkv/elements.js';
import { MkvParseError } from '../../src/mkv/parse-error.js';
import type { MkvReaderOptions } from '../../src/mkv/reader.js';
import { Mp4RemuxError, mp4SegmentStream, remuxToMp4 } from '../../src/mp4/index.js';
import { ensure, ensureSame, kindOf } from '../finding.js';
import { Choices } from '../input.js';
import { listBoxes, listRuns, viewOf } from '../mp4-boxes.js';
import { checkFile, checkSegment } from '../mp4-checks.js';
import { accountedBytes, givenBytes, type Reading, readAll } from '../reading.js';
import type { FuzzTarget } from '../target.js';
import { hasUndescribedTrack } from './described.js';
import { ffprobeComplaints, hasJudges, mkvinfoComplaints } from './judges.js';
import { wholeDocuments } from './sources.js';
import { spliceFiles } from './splice.js';

/** Programs take longer than the library: one run in so many is shown to them. */
const JUDGED = 12;

const common = {
  ebml: true,
  seeds: wholeDocuments,
  mutate: spliceFiles,
  maxLength: 256 << 10,
} as const;

/** A reading that found nothing wrong. */
function isClean({ error, truncated, warnings, gaps }: Reading): boolean {
  return error === undefined && !truncated && warnings.length === 0 && gaps.length === 0;
}

function note(features: Set<string>, name: string, { error, truncated, warnings, gaps }: Reading): void {
  features.add(`${name} ${truncated} ${kindOf(error?.message ?? '')}`);
  for (const { message } of warnings) features.add(`${name} ${kindOf(message)}`);
  for (const { reason } of gaps) features.add(`${name} ${kindOf(reason)}`);
}

/** Pieces of a few hundred bytes and more, as sockets and files give them. */
function pieces(c: Choices, bytes: Uint8Array): Uint8Array[] {
  const largest = c.pick([500, 5000, 100_000]);
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = 1 + c.below(largest);
    chunks.push(bytes.slice(at, at + length));
    at += length;
  }
  return chunks;
}

/** The reader: strict, with recovery and without, in any pieces; and its documents, which are the stream when they are joined. */
const reader: FuzzTarget = {
  ...common,
  name: 'reader',
  async run({ choice, bytes }, features) {
    const c = new Choices(choice);
    const options: MkvReaderOptions = { strict: c.oneIn(3), verifyCrc: c.oneIn(3) };
    const plain = readAll([bytes], bytes, options);
    note(features, 'plain', plain);
    ensureSame(readAll(pieces(c, bytes), bytes, options).events, plain.events, 'in pieces and whole');
    const whole = await documentsOf([bytes.slice()], options);
    const inPieces = await documentsOf(pieces(c, bytes), options);
    ensureSame(inPieces.events, whole.events, 'documents in pieces and whole');
    // What documents are told by is read as well, and may be wrong.
    if (plain.error !== undefined || plain.truncated || whole.failed) return;
    ensure(Buffer.compare(whole.bytes, bytes) === 0, 'documents that are joined are not the stream');
    const recovered = readAll([bytes], bytes, { ...options, strict: false, recover: true });
    note(features, 'recover', recovered);
    ensure(accountedBytes(recovered) === bytes.length, 'elements and gaps have not all bytes');
    if (isClean(plain)) {
      ensure(recovered.gaps.length === 0, () => `a gap in an undamaged stream: <${recovered.gaps[0]?.reason}>`);
      ensureSame(recovered.events, plain.events, 'an undamaged stream with recovery and without');
    } else if (plain.error !== undefined && options.strict !== true) {
      ensure(
        recovered.gaps.length > 0 || recovered.warnings.length > 0 || recovered.truncated,
        () => `recovery is silent about <${plain.error?.code}>`,
      );
    }
  },
};

/** Fragments and frames: the same frames both ways, and all that can be asked of tracks and frames. */
const frames: FuzzTarget = {
  ...common,
  name: 'frames',
  async run({ choice, bytes }, features) {
    const c = new Choices(choice);
    const options = { recover: c.oneIn(2), verifyCrc: c.oneIn(4) };
    const streamed: string[] = [];
    const gathered: string[] = [];
    const one = await untilError(async () => {
      for await (const frame of readFrames(pieces(c, bytes), options)) {
        streamed.push(`${frame.track?.number} ${frame.timestamp} ${frame.size} ${frame.keyframe}`);
        ensure(Number.isFinite(frame.timestamp), () => `a time of <${frame.timestamp}>`);
        const { duration } = frame;
        ensure(duration === undefined || (Number.isFinite(duration) && duration >= 0), () => `lasts <${duration}>`);
      }
    });
    const other = await untilError(async () => {
      for await (const fragment of readFragments([bytes], options)) {
        for (const track of fragment.tracks) {
          const { codecString } = track;
          ensure(codecString === undefined || /^[\w.,-]+$/.test(codecString), () => `a codec string <${codecString}>`);
          features.add(`${track.codecId} ${codecString?.slice(0, 5)}`);
        }
        for (const frame of fragment.frames)
          gathered.push(`${frame.track?.number} ${frame.timestamp} ${frame.size} ${frame.keyframe}`);
        features.add(`${fragment.truncated} ${fragment.error?.code}`);
      }
    });
    features.add(kindOf(one ?? ''));
    if (one === undefined && other === undefined) ensureSame(gathered, streamed, 'frames of fragments and frames');
    else
      ensure(
        (one === undefined) === (other === undefined) || streamed.length >= gathered.length,
        'fragments have more frames',
      );
  },
};

async function documentsOf(chunks: readonly Uint8Array[], options: MkvReaderOptions) {
  const events: string[] = [];
  const parts: Uint8Array[] = [];
  let failed = false;
  try {
    for await (const { offset, length, truncated, parts: own } of readDocuments(chunks, options)) {
      events.push(`document at ${offset} of ${length}${truncated ? ', cut' : ''}`);
      for (const part of own) parts.push(part.slice());
    }
  } catch (error) {
    if (!(error instanceof MkvParseError)) throw error;
    events.push(error.message);
    failed = true;
  }
  return { events, bytes: concatBytes(parts), failed };
}

/** The merger: what it makes of anything that is accepted is accepted by a strict reader, and by the programs that others wrote. */
const merge: FuzzTarget = {
  ...common,
  name: 'merge',
  // Clusters that are cut off may be filled up with 1 MiB, in pieces, and all of that is read again.
  filling: 4 << 20,
  async run({ choice, bytes }, features) {
    const c = new Choices(choice);
    const recover = c.oneIn(3);
    const close = c.oneIn(2);
    const options = {
      recover,
      packClusters: c.oneIn(3),
      keepPositions: c.oneIn(4),
      startAtZero: c.oneIn(4),
      stopAtFirstNonMatchingSegment: c.oneIn(6),
      ...(c.oneIn(6) ? { mergeOn: c.pick<MkvMasterType[]>([[], [Mkv.Tracks], [Mkv.Info, Mkv.Tracks]]) } : {}),
    };
    const parts: Uint8Array[] = [];
    let error: MkvParseError | undefined;
    const rewrites: OutputRewrite[] = [];
    const isSeekable = !options.keepPositions && c.oneIn(3);
    const seekable = isSeekable ? (rewrite: OutputRewrite) => void rewrites.push(rewrite) : undefined;
    let losesTracks = false;
    const onLeftOut = ({ type }: LeftOutElement) => {
      losesTracks ||= type === Mkv.Tracks || type === Mkv.TrackEntry || type === Mkv.TrackNumber;
    };
    const merger = new ChunkMerger({ ...options, seekable, onLeftOut });
    const take = (out: readonly Uint8Array[]) => parts.push(...out.map((part) => part.slice()));
    try {
      for (const chunk of pieces(c, bytes)) take(merger.push(chunk));
      take(merger.end());
    } catch (thrown) {
      if (!(thrown instanceof MkvParseError)) throw thrown;
      error = thrown;
    }
    if (close) take(merger.closeTruncated());
    if (isSeekable && (close || error === undefined)) take(merger.finish());
    const output = joined(parts);
    for (const { position, bytes: other } of rewrites) {
      ensure(position + other.length <= output.length, 'bytes to rewrite that were not written');
      output.set(other, position);
    }
    // Each document has room for what is known at its end, and Cues.
    const room = isSeekable ? 200 * merger.merger.counters.documentsOut + 64 * merger.merger.counters.clusters : 0;
    // What a Cluster lacks of its size is filled up to so much, also where the end of a document is written, and so are headers written again.
    const { documentsIn, documentsOut } = merger.merger.counters;
    const filled = close || recover || isSeekable || documentsOut > documentsIn ? 1024 * 1024 : 0;
    ensure(
      output.length <= 2 * bytes.length + 4096 + room + filled,
      () => `<${output.length}> bytes of <${bytes.length}>`,
    );
    features.add(kindOf(error?.message ?? ''));
    if (error !== undefined && !close) return;
    if (options.mergeOn?.length === 0) {
      // Nothing is changed, so that the output is as good as the input, and no better.
      const given = givenBytes(readAll([bytes], bytes, { recover }), bytes);
      ensure(Buffer.compare(output, given) === 0, 'what is merged on nothing is not what is accepted');
      return;
    }
    const strict = readAll([output], output, { strict: true });
    note(features, 'output', strict);
    const input = readAll([bytes], bytes, {});
    const accepted = input.error === undefined && !input.truncated;
    // What is cut off stays so until it is closed.
    if (close || (!merger.truncated && (accepted || recover)))
      ensure(
        strict.error === undefined && !strict.truncated,
        () => `the strict reader says of what was merged: <${strict.error?.message}>`,
      );
    const undescribed = hasUndescribedTrack(bytes, recover);
    ensure(
      undescribed || losesTracks || !hasUndescribedTrack(output),
      'a Block whose track was described is in a document that does not describe it',
    );
    if (output.length === 0 || !c.oneIn(JUDGED) || !hasJudges()) return;
    const staysCut = merger.truncated && !close && !isSeekable;
    const isOne = strict.ids.filter((id) => id === Mkv.EBML.id).length === 2;
    const { lines } = ffprobeComplaints(output, 'matroska');
    // It reads the Blocks of all documents with the tracks of the first. A Segment of known size and without an EBML header, which an input
    // may have, it skips; it does not skip the document that is made of it.
    const isOfOthers = !undescribed && !isOne && lines.some(isOfTrackNumber) && !(await missesTrack(output));
    // In an input, ffprobe does not come to each Segment. Of some documents it reads no second one behind a Segment of unknown size, also
    // where the document is just there twice.
    const isItsOwn = (line: string) =>
      ((undescribed || isOfOthers) && isOfTrackNumber(line)) ||
      (!isOne && line.includes('unknown-length element')) ||
      // It is right. Of an input that ends within an element that it does not know, it does not say it.
      (staysCut && line.includes('ended prematurely'));
    ensureNothingNew(
      lines.filter((line) => !isItsOwn(line)),
      () => ffprobeComplaints(bytes, 'matroska').lines,
      'ffprobe',
    );
    if (!isOne) return;
    // It is out of step behind an element that it does not know, which it may not have come to in the input.
    const hasUnknown = strict.ids.some((id) => !MKV_SCHEMA.has(id));
    ensureNothingNew(
      mkvinfoComplaints(output).filter((line) => !(hasUnknown && line.includes('Resyncing'))),
      () => mkvinfoComplaints(bytes),
      'mkvinfo',
    );
  },
};

/** Whether ffprobe says of a document, each shown to it alone, that a Block is of no track. */
async function missesTrack(bytes: Uint8Array): Promise<boolean> {
  for await (const document of readDocuments([bytes], { recover: true })) {
    if (ffprobeComplaints(document.bytes, 'matroska').lines.some(isOfTrackNumber)) return true;
  }
  return false;
}

function isOfTrackNumber(line: string): boolean {
  return line.includes('track number');
}

/** By Node: what the library allocates is counted, and this is not the library's. */
function joined(parts: readonly Uint8Array[]): Uint8Array {
  const { buffer, byteOffset, length } = Buffer.concat(parts);
  return new Uint8Array(buffer, byteOffset, length);
}

/** What is made of an input that the tool has nothing against gives it no reason to complain either. */
function ensureNothingNew(lines: readonly string[], ofInput: () => readonly string[], tool: string): void {
  ensure(
    lines.length === 0 || ofInput().length > 0,
    () => `${tool} says of what was made: <${lines.slice(0, 3).join('; ')}>`,
  );
}

/** MP4 in both forms: boxes and samples fit, and ffprobe finds as many packets as there are samples. */
const mp4: FuzzTarget = {
  ...common,
  name: 'mp4',
  async run({ choice, bytes }, features) {
    const c = new Choices(choice);
    const options = { recover: c.oneIn(2), startAtZero: c.oneIn(2), onInvalidFragment: () => {} };
    const judge = c.oneIn(JUDGED) && hasJudges();
    if (c.oneIn(2)) {
      const lasts = new Map<number, bigint>();
      let file: Uint8Array[] = [];
      let samples = 0;
      const error = await untilError(async () => {
        for await (const segment of mp4SegmentStream(pieces(c, bytes), options)) {
          checkSegment(segment, lasts);
          features.add(segment.type === 'init' ? segment.mimeType.replace(/\d+/g, '') : `${segment.discontinuity}`);
          if (segment.type === 'init') {
            if (judge && samples > 0) ensureProbed(concatBytes(file), samples);
            [file, samples] = [[], 0];
          } else {
            samples += listRuns(segment.bytes, listBoxes(segment.bytes)).reduce(
              (sum, run) => sum + run.samples.length,
              0,
            );
          }
          file.push(segment.bytes);
        }
      });
      features.add(kindOf(error ?? ''));
      if (judge && samples > 0) ensureProbed(concatBytes(file), samples);
    } else {
      const moov = c.pick(['first', 'last'] as const);
      const parts: Uint8Array[] = [];
      const error = await untilError(async () => {
        const { startAtZero: _, ...rest } = options;
        await remuxToMp4(pieces(c, bytes), (part) => void parts.push(part.slice()), { ...rest, moov });
        const file = concatBytes(parts);
        checkFile(file, moov);
        if (judge) ensureProbed(file, samplesOf(file));
      });
      features.add(kindOf(error ?? ''));
    }
  },
};

function samplesOf(file: Uint8Array): number {
  const view = viewOf(file);
  return listBoxes(file)
    .filter(({ type }) => type === 'stsz')
    .reduce((sum, { body }) => sum + view.getUint32(body + 8), 0);
}

function ensureProbed(file: Uint8Array, samples: number): void {
  const { lines, packets } = ffprobeComplaints(file, 'mp4');
  ensure(lines.length === 0, () => `ffprobe says of the MP4: <${lines.slice(0, 3).join('; ')}>`);
  ensure(packets === samples, () => `ffprobe finds <${packets}> packets of <${samples}>`);
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

/** All that whole files are put through. */
export const FILE_TARGETS: readonly FuzzTarget[] = [reader, frames, merge, mp4];
