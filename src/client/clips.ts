import { concatBytes } from '../ebml/writer.js';
import type { ClosableAsyncIterator } from '../mkv/async-iterator.js';
import type { ArchivedMediaAccess, StreamIdentity } from './access.js';
import type { Attempt } from './attempt.js';
import { closable } from './closable.js';
import { FragmentListConsumer } from './fragment-list-consumer.js';
import { asIs } from './iteration.js';
import type { FragmentRange, ListedFragment } from './list-fragments.js';
import { type PlaybackAccess, PlaybackCalls } from './playback-client.js';
import { loadArchivedMedia } from './sdk-archived-media.js';
import type { GetClipCommandOutput } from './sdk-types.js';

/** Options of {@link getClip}, besides the stream. */
export interface ClipSettings extends PlaybackAccess, Pick<ArchivedMediaAccess, 'createArchivedMediaClient'> {
  /** The stretch of time, both ends included. It may be of any length. */
  readonly range: FragmentRange;
}

/** Options of {@link getClip}. */
export type ClipOptions = StreamIdentity & ClipSettings;

/** A clip: an MP4 of fragments that follow each other. */
export interface Clip {
  /** When its first fragment begins, by the clock of the range. */
  readonly from: Date;
  /** When its last fragment begins, by the clock of the range. */
  readonly to: Date;
  /** How many fragments ListFragments lists. */
  readonly fragments: number;
  /** The file. */
  readonly bytes: Uint8Array;
}

/** What the service puts into a clip at most. ListFragments counts more bytes than the clip has of a fragment, never fewer. */
const MOST_FRAGMENTS = 200;
const MOST_BYTES = 100_000_000;

/**
 * Gets clips of a stream with GetClip. A range that is too large for one clip (200 fragments, 100 MB) gives several, one after another; no
 * fragment is in two of them.
 *
 * ```ts
 * for await (const { from, bytes } of getClip({ streamName: 'door', range })) await writeFile(`${from.getTime()}.mp4`, bytes);
 * ```
 *
 * @throws KinesisVideoError when the service reports an error that a retry does not solve; the signal's reason when it is aborted
 */
export function getClip(options: ClipOptions): ClosableAsyncIterator<Clip> {
  return closable((signal) => run(options, signal), options.signal, asIs);
}

async function* run(options: ClipOptions, signal: AbortSignal): AsyncGenerator<Clip, undefined> {
  const { range, onRetry, ...access } = options;
  const { type } = range;
  const listed = await new FragmentListConsumer({
    ...access,
    signal,
    range,
    orderBy: type === 'PRODUCER_TIMESTAMP' ? 'producerTimestamp' : 'fragmentNumber',
    duplicates: type === 'PRODUCER_TIMESTAMP' ? 'first' : 'keep',
    onRetry: ({ error, delayMs }) => onRetry?.(error, delayMs),
  }).list();
  const calls = new PlaybackCalls(options, 'GetClip', 'GET_CLIP');
  const { GetClipCommand } = await loadArchivedMedia();
  try {
    for (const { from, to, fragments } of groups(listed, type)) {
      const command = new GetClipCommand({
        StreamName: options.streamName,
        StreamARN: options.streamARN,
        ClipFragmentSelector: {
          FragmentSelectorType: type,
          // One fragment needs a range as well.
          TimestampRange: { StartTimestamp: new Date(from), EndTimestamp: new Date(Math.max(to, from + 1)) },
        },
      });
      const bytes = await calls.read(
        signal,
        (client, abortSignal) => client.send(command, { abortSignal }),
        ({ Payload }, attempt) => collect(attempt, Payload),
      );
      yield { from: new Date(from), to: new Date(to), fragments, bytes };
    }
    return undefined;
  } finally {
    calls.close();
  }
}

interface Group {
  from: number;
  to: number;
  fragments: number;
  size: number;
}

/** As many fragments as go into a clip, again and again. Those of one time go together, since a range cannot part them. */
function groups(listed: readonly ListedFragment[], type: FragmentRange['type']): readonly Group[] {
  const made: Group[] = [];
  const timeOf = ({ producerTimestamp, serverTimestamp }: ListedFragment) =>
    (type === 'PRODUCER_TIMESTAMP' ? producerTimestamp : serverTimestamp)?.getTime();
  const timed = listed.flatMap((fragment) => {
    const time = timeOf(fragment);
    return time === undefined ? [] : [{ time, size: fragment.size ?? 0 }];
  });
  for (const { time, size } of timed.sort((a, b) => a.time - b.time)) {
    const last = made.at(-1);
    const fits =
      last !== undefined && (time === last.to || (last.fragments < MOST_FRAGMENTS && last.size + size <= MOST_BYTES));
    if (!fits) {
      made.push({ from: time, to: time, fragments: 1, size });
      continue;
    }
    last.to = time;
    last.fragments++;
    last.size += size;
  }
  return made;
}

async function collect(attempt: Attempt, payload: GetClipCommandOutput['Payload']): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  attempt.open(payload);
  await attempt.feed((chunk) => {
    if (chunk !== undefined) chunks.push(chunk);
    return chunk === undefined;
  });
  return concatBytes(chunks);
}
