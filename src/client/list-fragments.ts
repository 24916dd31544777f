import { compareFragmentNumbers } from '../visitors/fragment-metadata.js';
import type { ArchivedMediaClient, StreamIdentity } from './access.js';
import { callPatiently, type PatientSetup } from './patient-call.js';
import { loadArchivedMedia } from './sdk-archived-media.js';
import type { FragmentSelectorType } from './sdk-types.js';
import { KinesisVideoError } from './service-error.js';

/** A range of time. Both ends are included. */
export interface FragmentRange {
  /** Whose clock `from` and `to` are of. */
  readonly type: FragmentSelectorType;
  /** The beginning of the stretch. A fragment whose time is this one is in it. */
  readonly from: Date;
  /** The end of the stretch. A fragment whose time is this one is in it. */
  readonly to: Date;
}

/**
 * In which order fragments are given: by number (`'fragmentNumber'`), or by producer time (`'producerTimestamp'`), and those of one
 * producer time by number.
 */
export type FragmentOrder = 'fragmentNumber' | 'producerTimestamp';

/** What ListFragments says about a fragment. For a fragment that the caller named, only the number is known. */
export interface ListedFragment {
  /** A decimal string of up to 128 digits. */
  readonly fragmentNumber: string;
  /** Bytes, with what belongs to it besides frames. */
  readonly size: number | undefined;
  /** When the producer began to record the fragment. */
  readonly producerTimestamp: Date | undefined;
  /** When the service received the fragment. */
  readonly serverTimestamp: Date | undefined;
  /** How long its media lasts, in milliseconds. */
  readonly durationMs: number | undefined;
}

/** The most fragments that the service lists at once. */
const PAGE_SIZE = 1000;

/** What listing works with. */
export interface ListingSetup extends PatientSetup<ArchivedMediaClient> {
  readonly stream: StreamIdentity;
  readonly range: FragmentRange;
  readonly order: FragmentOrder;
}

/**
 * All fragments of a stretch of time. The service gives them in no order, not even from page to page, so nothing is known before the last
 * page is.
 *
 * @throws KinesisVideoError when the service says what does not pass; the signal's reason when it is aborted
 */
export async function listFragments(setup: ListingSetup, signal: AbortSignal): Promise<ListedFragment[]> {
  const found = new Map<string, ListedFragment>();
  const { ListFragmentsCommand } = await loadArchivedMedia();
  const { stream, range } = setup;
  let nextToken: string | undefined;
  do {
    const command = new ListFragmentsCommand({
      StreamName: stream.streamName,
      StreamARN: stream.streamARN,
      MaxResults: PAGE_SIZE,
      FragmentSelector: {
        FragmentSelectorType: range.type,
        TimestampRange: { StartTimestamp: range.from, EndTimestamp: range.to },
      },
      NextToken: nextToken,
    });
    const page = await callPatiently('ListFragments', setup, signal, async ({ client }, abortSignal) => {
      const answer = await client.send(command, { abortSignal });
      return { ...answer, Fragments: listOf(answer.Fragments, answer.$metadata.requestId) };
    });
    for (const fragment of page.Fragments) {
      const { FragmentNumber, FragmentSizeInBytes, ProducerTimestamp, ServerTimestamp } = fragment;
      if (FragmentNumber === undefined) continue;
      found.set(FragmentNumber, {
        fragmentNumber: FragmentNumber,
        size: FragmentSizeInBytes,
        producerTimestamp: ProducerTimestamp,
        serverTimestamp: ServerTimestamp,
        durationMs: fragment.FragmentLengthInMilliseconds,
      });
    }
    nextToken = page.NextToken;
  } while (nextToken !== undefined && nextToken !== '');
  return [...found.values()].sort(setup.order === 'producerTimestamp' ? byProducerTime : byNumber);
}

/** A list is in every answer of the service, also when it is empty; in one of something between here and the service it is not. */
function listOf<T>(list: readonly T[] | undefined, requestId: string | undefined): readonly T[] {
  if (list !== undefined) return list;
  const text = 'an answer without a list of fragments';
  throw new KinesisVideoError('ListFragments', { code: 'NoList', kind: 'service', text, requestId });
}

function byNumber(a: ListedFragment, b: ListedFragment): number {
  return compareFragmentNumbers(a.fragmentNumber, b.fragmentNumber);
}

function byProducerTime(a: ListedFragment, b: ListedFragment): number {
  return Number(a.producerTimestamp ?? 0) - Number(b.producerTimestamp ?? 0) || byNumber(a, b);
}
