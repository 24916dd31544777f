import type { ByteStream } from '../mkv/byte-stream.js';
import type { ElementVisitor, MaybePromise } from '../mkv/element-visitor.js';
import { applyVisitor } from '../mkv/streams.js';
import { type CheckRule, type Finding, type FindingPlace, SEVERITIES } from './finding.js';
import type { Obstacles, Playable } from './playability.js';
import { StreamCheck } from './stream-check.js';

/** Options of {@link checkStream}. */
export interface CheckOptions {
  /** Receives each finding as soon as it is made. A promise is waited for before anything more is read. */
  readonly onFinding?: ((finding: Finding) => MaybePromise) | undefined;
  /** How many findings the report keeps, default 10,000. `onFinding` receives the others too. */
  readonly maxFindings?: number | undefined;
  /** The largest data element to accept, in bytes, see `MkvReaderOptions`. */
  readonly maxElementSize?: number | undefined;
  /** Stops the check: the stream is cancelled and the call rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** The result of {@link checkStream}. */
export interface CheckReport {
  /** In the order in which they were made. */
  readonly findings: readonly Finding[];
  /** How many findings there were beyond `maxFindings`. */
  readonly omitted: number;
  /** How many fragments the stream has; of a document that is not of Kinesis Video Streams, how many Clusters. */
  readonly fragments: number;
  /** How many frames. */
  readonly frames: number;
  /** Which of the service's ways to play a stream would take this one. */
  readonly playable: Playable;
  /** Why the others would not. */
  readonly obstacles: Obstacles;
}

/**
 * Checks a stream by the rules of Matroska and of Kinesis Video Streams: what its bytes, its labels, its times and its frames say, and
 * which of the service's ways to play it would take it. It reads on after damage, holds one fragment's facts at a time, and keeps no
 * frames.
 *
 * @throws whatever the source throws when it fails, the signal's reason when it is aborted. What is wrong with the bytes is a finding.
 */
export async function checkStream(stream: ByteStream, options: CheckOptions = {}): Promise<CheckReport> {
  const { onFinding, maxFindings = 10_000, maxElementSize, signal } = options;
  const findings: Finding[] = [];
  let omitted = 0;
  let pending: MaybePromise;
  const report = (rule: CheckRule, { fragmentNumber, track, offset }: FindingPlace, message: string) => {
    const finding: Finding = { severity: SEVERITIES[rule], rule, fragmentNumber, track, offset, message };
    if (findings.length < maxFindings) findings.push(finding);
    else omitted++;
    const told = onFinding?.(finding);
    if (told !== undefined) pending = pending === undefined ? told : Promise.all([pending, told]).then(() => {});
  };
  const check = new StreamCheck(report);
  const settle = () => {
    const told = pending;
    pending = undefined;
    return told;
  };
  const visitor: ElementVisitor = {
    visitStart(element) {
      check.visitStart(element);
      return settle();
    },
    visitData(element) {
      check.visitData(element);
      return settle();
    },
    visitEnd(element) {
      check.visitEnd(element);
      return settle();
    },
  };
  await applyVisitor(stream, visitor, {
    recover: true,
    verifyCrc: true,
    onGap: (gap) => check.noteGap(gap),
    onWarning: (warning) => check.noteWarning(warning),
    maxElementSize,
    signal,
  });
  check.end();
  await settle();
  const { fragments, frames, playability } = check;
  return { findings, omitted, fragments, frames, playable: playability.playable, obstacles: playability.obstacles };
}
