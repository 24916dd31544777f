import type {
  GetMediaForFragmentListCommandOutput,
  ListFragmentsCommandOutput,
} from '@aws-sdk/client-kinesis-video-archived-media';
import type { ArchivedMediaClient, ControlClient, SendOptions } from '../../../src/client/access.js';
import { concatBytes } from '../../../src/ebml/writer.js';
import { writeGetMediaError } from '../../../src/testing/get-media-writer.js';
import type { FakeClock } from './fake-clock.js';
import { serviceError } from './fake-service.js';
import type { StoredFragment } from './stored-stream.js';

/**
 * What a fragment of a list meets. `short`: its document is left before its end, and the others follow; `short-end`: the body ends there in
 * good order. `twice`: it comes short and then whole. A number is that error.
 */
export type FragmentFault =
  | 'none'
  | 'exception'
  | 'missing'
  | 'cut'
  | 'damage'
  | 'reset'
  | 'short'
  | 'short-end'
  | 'twice'
  | 'headless'
  | number;

/** One call that the archive got. */
export interface ArchiveCall {
  readonly operation: 'ListFragments' | 'GetMediaForFragmentList';
  readonly at: number;
  readonly fragments: readonly string[];
}

/** Stored fragments within the test: listed in disorder, sent as they are asked for. */
export class FakeArchive {
  readonly calls: ArchiveCall[] = [];
  /** What happens to a fragment when it is asked for the n-th time, from 1. */
  fragmentFault: (number: string, time: number) => FragmentFault = () => 'none';
  /** What happens to the n-th call of an operation, from 0. */
  callFault: (
    operation: ArchiveCall['operation'],
    call: number,
  ) => 'none' | 'throttle' | 'final' | 'silent' | 'no-list' | 'html' = () => 'none';
  chunkSize: () => number = () => 4000;
  /** How long a body waits before each fragment. */
  delayMs: () => number = () => 0;
  /** How many bytes of a document come where it is short. */
  shortLength: (bytes: Uint8Array) => number = (bytes) => bytes.length >> 1;
  /** What comes in place of a fragment when it is asked for the n-th time. */
  replaced: (number: string, time: number) => Uint8Array | undefined = () => undefined;
  /** What ListFragments says of a fragment's size and length. */
  told: (fragment: StoredFragment) => { size?: number | undefined; durationMs?: number | undefined } = ({ bytes }) => ({
    size: bytes.length,
    durationMs: 1000,
  });
  producedAt: (fragment: StoredFragment) => number = ({ producedAt }) => producedAt;
  /** In which order a body has the fragments that were asked for. */
  order: (numbers: readonly string[]) => readonly string[] = (numbers) => numbers;
  /** What GetDataEndpoint does at its n-th call, from 0. */
  endpointFault: (call: number) => boolean = () => false;
  #endpointCalls = 0;
  pageSize = 1000;
  open = 0;
  mostOpen = 0;
  readonly #clock: FakeClock;
  readonly #fragments: ReadonlyMap<string, StoredFragment>;
  readonly #order: readonly StoredFragment[];
  readonly #times = new Map<string, number>();

  constructor(clock: FakeClock, fragments: readonly StoredFragment[], random: () => number) {
    this.#clock = clock;
    this.#fragments = new Map(fragments.map((fragment) => [fragment.number, fragment]));
    this.#order = fragments
      .map((fragment) => ({ fragment, key: random() }))
      .sort((a, b) => a.key - b.key)
      .map(({ fragment }) => fragment);
  }

  readonly control: ControlClient = {
    send: async () => {
      if (this.endpointFault(this.#endpointCalls++)) throw serviceError({ name: 'ServiceUnavailable', status: 503 });
      return { DataEndpoint: 'https://archive.example', $metadata: {} };
    },
  };

  readonly createArchivedMediaClient = (): ArchivedMediaClient => {
    // The command's input tells which operation it is.
    const send = async (command: { readonly input: object }, options?: SendOptions): Promise<unknown> =>
      'Fragments' in command.input && Array.isArray(command.input.Fragments)
        ? this.#getMedia(command.input.Fragments, options)
        : this.#list(command.input);
    return { send: send as never };
  };

  /** The most calls of an operation within any second. */
  mostPerSecond(operation: ArchiveCall['operation'], weigh: (call: ArchiveCall) => number = () => 1): number {
    const calls = this.calls.filter((call) => call.operation === operation);
    const sums = calls.map(({ at: from }) =>
      calls.filter(({ at }) => at >= from && at < from + 1000).reduce((sum, call) => sum + weigh(call), 0),
    );
    return Math.max(0, ...sums);
  }

  async #begin(operation: ArchiveCall['operation'], fragments: readonly string[]): Promise<string> {
    const count = this.calls.filter((call) => call.operation === operation).length;
    this.calls.push({ operation, at: this.#clock.now(), fragments });
    const fault = this.callFault(operation, count);
    if (fault === 'throttle') throw serviceError({ name: 'ClientLimitExceededException' });
    if (fault === 'final') throw serviceError({ name: 'ResourceNotFoundException', status: 404 });
    if (fault === 'silent') await new Promise(() => {});
    return fault;
  }

  async #list(input: object): Promise<ListFragmentsCommandOutput> {
    if ((await this.#begin('ListFragments', [])) === 'no-list') return { $metadata: {} };
    const { NextToken, FragmentSelector } = input as {
      NextToken?: string;
      FragmentSelector?: object;
    };
    if (FragmentSelector === undefined) throw serviceError({ name: 'InvalidArgumentException' });
    const at = Number(NextToken ?? 0);
    const page = this.#order.slice(at, at + this.pageSize);
    const next = at + this.pageSize;
    return {
      Fragments: page.map((fragment) => {
        const { size, durationMs } = this.told(fragment);
        return {
          FragmentNumber: fragment.number,
          FragmentSizeInBytes: size,
          ProducerTimestamp: new Date(this.producedAt(fragment)),
          ServerTimestamp: new Date(fragment.receivedAt),
          FragmentLengthInMilliseconds: durationMs,
        };
      }),
      ...(next < this.#order.length ? { NextToken: String(next) } : {}),
      $metadata: {},
    };
  }

  async #getMedia(numbers: readonly string[], _?: SendOptions): Promise<GetMediaForFragmentListCommandOutput> {
    const fault = await this.#begin('GetMediaForFragmentList', numbers);
    const Payload: object = fault === 'html' ? Buffer.from('<html>Please sign in</html>') : this.#body(numbers);
    return { Payload: Payload as never, $metadata: { requestId: 'request' } };
  }

  async *#body(numbers: readonly string[]): AsyncGenerator<Uint8Array> {
    this.open++;
    this.mostOpen = Math.max(this.mostOpen, this.open);
    try {
      for (const number of this.order(numbers)) {
        const time = (this.#times.get(number) ?? 0) + 1;
        this.#times.set(number, time);
        const delay = this.delayMs();
        if (delay > 0) await this.#clock.wait(delay);
        const fault = this.fragmentFault(number, time);
        if (fault === 'missing') continue;
        if (fault === 'reset') throw Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
        const stored = this.#fragments.get(number);
        let bytes =
          fault === 'exception' || stored === undefined
            ? writeGetMediaError({ fragmentNumber: number, exception: { code: 'InternalError', message: 'not today' } })
            : (this.replaced(number, time) ?? stored.bytes);
        if (fault === 'cut') bytes = bytes.subarray(0, bytes.length >> 1);
        const short = bytes.subarray(0, this.shortLength(bytes));
        if (fault === 'short' || fault === 'short-end') bytes = short;
        if (fault === 'headless') bytes = bytes.map((byte, index) => (index === 0 ? 0 : byte));
        if (fault === 'twice') bytes = concatBytes([short, bytes]);
        if (typeof fault === 'number') {
          bytes = writeGetMediaError({ fragmentNumber: number, exception: { code: fault, message: 'not this one' } });
        }
        if (fault === 'damage') bytes = bytes.map((byte, index) => (index === bytes.length - 4 ? byte ^ 1 : byte));
        for (let at = 0; at < bytes.length; ) {
          const chunk = bytes.slice(at, at + Math.max(1, this.chunkSize()));
          yield chunk;
          at += chunk.length;
        }
        if (fault === 'cut' || fault === 'short-end') return;
      }
    } finally {
      this.open--;
    }
  }
}
