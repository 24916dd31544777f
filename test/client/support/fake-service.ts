import type { GetDataEndpointCommand, GetDataEndpointCommandOutput } from '@aws-sdk/client-kinesis-video';
import type { GetMediaCommand, GetMediaCommandOutput, StartSelector } from '@aws-sdk/client-kinesis-video-media';
import type { ControlClient, MediaClient, SendOptions } from '../../../src/client/access.js';
import { writeGetMediaError } from '../../../src/testing/get-media-writer.js';
import { compareFragmentNumbers } from '../../../src/visitors/fragment-metadata.js';
import type { FakeClock } from './fake-clock.js';
import type { StoredFragment } from './stored-stream.js';

/** What goes wrong on one connection, or instead of it. */
export type Fault =
  | { readonly type: 'none' }
  /** The body ends after so many bytes: with an error, or as if it were over. */
  | { readonly type: 'cut'; readonly bytes: number; readonly clean?: boolean }
  /** The body ends in good order after so many documents. */
  | { readonly type: 'few'; readonly documents: number }
  /** Nothing comes after so many bytes. */
  | { readonly type: 'stall'; readonly bytes: number }
  /** The call is never answered. */
  | { readonly type: 'silent' }
  /** The call fails. */
  | {
      readonly type: 'error';
      readonly name: string;
      readonly status?: number;
      readonly code?: string;
      readonly clockSkewCorrected?: boolean;
    }
  /** After so many fragments, an error within the stream. */
  | { readonly type: 'stream-error'; readonly fragments: number; readonly id: number }
  /** Each fragment comes twice. */
  | { readonly type: 'duplicates' }
  /** Fragments before the one that was asked for come again. */
  | { readonly type: 'back'; readonly fragments: number }
  /** Zeros come in place of a document of the body, counted from 0. */
  | { readonly type: 'erase'; readonly document: number }
  /** One byte within a Cluster is wrong: the first one of a Cluster's data from this byte of the body on. */
  | { readonly type: 'damage'; readonly byte: number; readonly mask: number };

/** One call that the service got. */
export interface Call {
  readonly operation: 'GetDataEndpoint' | 'GetMedia';
  readonly at: number;
  readonly selector?: StartSelector | undefined;
  readonly endpoint?: string;
}

/** A service within the test: one stream, and faults by plan. */
export class FakeService {
  readonly calls: Call[] = [];
  /** What the next GetMedia calls meet, by their count from 0. */
  fault: (call: number) => Fault = () => ({ type: 'none' });
  /** The same for GetDataEndpoint; `undefined` is a good answer. */
  endpointFault: (call: number) => Fault | undefined = () => undefined;
  /** What is sent in place of a fragment, by the count of the GetMedia call from 0. */
  alter: (fragment: StoredFragment, call: number) => StoredFragment = (fragment) => fragment;
  /** A body in place of media, by the count of the GetMedia call from 0. */
  body: (call: number) => Uint8Array | undefined = () => undefined;
  /** Whether a fragment number that the stream does not have is an error; else what has a larger one follows. */
  strict = true;
  /** Whether a token begins with the fragment that it came with; else behind it. */
  tokenStartsWithOwn = false;
  endpoint = 'https://one.example';
  /** Lengths of the chunks of a body. */
  chunkSize: () => number = () => 1000;
  open = 0;
  mostOpen = 0;
  readonly #clock: FakeClock;
  #fragments: readonly StoredFragment[];

  constructor(clock: FakeClock, fragments: readonly StoredFragment[]) {
    this.#clock = clock;
    this.#fragments = fragments;
  }

  /** The stream is made anew. */
  replace(fragments: readonly StoredFragment[]): void {
    this.#fragments = fragments;
  }

  readonly control: ControlClient = { send: (command, options) => this.#getDataEndpoint(command, options) };

  readonly createMediaClient = (endpoint: string): MediaClient => ({
    send: (command, options) => this.#getMedia(endpoint, command, options),
  });

  /** The most calls of an operation within any second. */
  mostPerSecond(operation: Call['operation']): number {
    const times = this.calls.filter((call) => call.operation === operation).map(({ at }) => at);
    return Math.max(0, ...times.map((from) => times.filter((at) => at >= from && at < from + 1000).length));
  }

  selectors(): (StartSelector | undefined)[] {
    return this.calls.filter(({ operation }) => operation === 'GetMedia').map(({ selector }) => selector);
  }

  async #getDataEndpoint(_: GetDataEndpointCommand, __?: SendOptions): Promise<GetDataEndpointCommandOutput> {
    const count = this.calls.filter(({ operation }) => operation === 'GetDataEndpoint').length;
    this.calls.push({ operation: 'GetDataEndpoint', at: this.#clock.now() });
    const fault = this.endpointFault(count);
    if (fault?.type === 'error') throw serviceError(fault);
    return { DataEndpoint: this.endpoint, $metadata: {} };
  }

  async #getMedia(endpoint: string, command: GetMediaCommand, options?: SendOptions): Promise<GetMediaCommandOutput> {
    const count = this.calls.filter(({ operation }) => operation === 'GetMedia').length;
    const selector = command.input.StartSelector;
    this.calls.push({ operation: 'GetMedia', at: this.#clock.now(), selector, endpoint });
    const fault = this.fault(count);
    if (endpoint !== this.endpoint) throw serviceError({ name: 'InvalidEndpointException' });
    if (fault.type === 'error') throw serviceError(fault);
    if (fault.type === 'silent') await new Promise(() => {});
    options?.abortSignal?.throwIfAborted();
    const page = this.body(count);
    const body = page === undefined ? this.#body(this.#media(selector, fault, count), fault) : pageOf(page);
    // The SDK's types name the platform's streams; any async iterable is read.
    const Payload: object = body;
    return { Payload: Payload as never, $metadata: { requestId: `request-${count}` } };
  }

  /** The documents from a place on, as they become available; at the end, what is not there for 3 seconds does not come. */
  async *#media(selector: StartSelector | undefined, fault: Fault, call: number): AsyncGenerator<Uint8Array> {
    const start = this.#find(selector);
    if (start === undefined) {
      yield writeGetMediaError({ error: { id: 4000, code: 'FRAGMENT_NOT_FOUND' } });
      return;
    }
    let sent = 0;
    const from = fault.type === 'back' ? Math.max(0, start - fault.fragments) : start;
    for (const stored of this.#fragments.slice(from)) {
      if (fault.type === 'few' && sent === fault.documents) return;
      const fragment = this.alter(stored, call);
      if (fault.type === 'stream-error' && sent === fault.fragments) {
        yield writeGetMediaError({
          fragmentNumber: fragment.number,
          error: { id: fault.id, code: `CODE_${fault.id}` },
        });
        return;
      }
      const wait = fragment.availableAt - this.#clock.now();
      if (wait > 0) await this.#clock.wait(Math.min(wait, 3000));
      if (wait > 3000) return;
      yield fragment.bytes;
      if (fault.type === 'duplicates') yield fragment.bytes;
      sent++;
    }
    await this.#clock.wait(3000);
  }

  #find(selector: StartSelector | undefined): number | undefined {
    const available = this.#fragments.filter(({ availableAt }) => availableAt <= this.#clock.now()).length;
    switch (selector?.StartSelectorType) {
      case 'EARLIEST':
        return 0;
      case 'NOW':
        return Math.max(0, available - 1);
      case 'FRAGMENT_NUMBER': {
        const after = String(selector.AfterFragmentNumber);
        const at = this.#fragments.findIndex(({ number }) => compareFragmentNumbers(number, after) === 0);
        if (at >= 0) return at + 1;
        if (this.strict) return undefined;
        const next = this.#fragments.findIndex(({ number }) => compareFragmentNumbers(number, after) > 0);
        return next < 0 ? this.#fragments.length : next;
      }
      case 'CONTINUATION_TOKEN': {
        const at = this.#fragments.findIndex(({ token }) => token === selector.ContinuationToken);
        if (at < 0) throw serviceError({ name: 'InvalidArgumentException' });
        return this.tokenStartsWithOwn ? at : at + 1;
      }
      case 'SERVER_TIMESTAMP': {
        const time = Number(selector.StartTimestamp);
        return Math.max(0, this.#fragments.filter(({ receivedAt }) => receivedAt <= time).length - 1);
      }
      default:
        throw serviceError({ name: 'InvalidArgumentException' });
    }
  }

  async *#body(documents: AsyncGenerator<Uint8Array>, fault: Fault): AsyncGenerator<Uint8Array> {
    this.open++;
    this.mostOpen = Math.max(this.mostOpen, this.open);
    let sent = 0;
    let count = 0;
    let damage = fault.type === 'damage' ? fault : undefined;
    try {
      for await (const stored of documents) {
        const document = stored.slice();
        if (fault.type === 'erase' && fault.document === count++) document.fill(0);
        const cluster = damage === undefined ? -1 : clusterData(document);
        const at = Math.max(cluster, (damage?.byte ?? 0) - sent);
        if (damage !== undefined && cluster >= 0 && at < document.length - TRAILER) {
          document[at] = (document[at] ?? 0) ^ damage.mask;
          damage = undefined;
        }
        for (let at = 0; at < document.length; ) {
          const limit = fault.type === 'cut' || fault.type === 'stall' ? fault.bytes - sent : Number.POSITIVE_INFINITY;
          if (limit <= 0) {
            if (fault.type === 'stall') await new Promise(() => {});
            if (fault.type === 'cut' && fault.clean === true) return;
            throw Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
          }
          const chunk = document.slice(at, at + Math.min(limit, Math.max(1, this.chunkSize())));
          yield chunk;
          sent += chunk.length;
          at += chunk.length;
        }
      }
    } finally {
      this.open--;
    }
  }
}

async function* pageOf(page: Uint8Array): AsyncGenerator<Uint8Array> {
  yield page;
}

/** More than the Tags behind a Cluster take. */
const TRAILER = 250;

/** Where the data of a document's Cluster begins, which its CRC-32 covers. */
function clusterData(document: Uint8Array): number {
  const id = Buffer.from(document.buffer, document.byteOffset, document.length).indexOf(
    Buffer.of(0x1f, 0x43, 0xb6, 0x75),
  );
  if (id < 0) return -1;
  const first = document[id + 4] ?? 0;
  return id + 4 + Math.clz32(first) - 23;
}

/** An error as the SDK throws it. */
export function serviceError(fault: {
  readonly name: string;
  readonly status?: number;
  readonly code?: string;
  readonly clockSkewCorrected?: boolean;
}): Error {
  const { name, status = 400, code, clockSkewCorrected } = fault;
  if (code !== undefined) return Object.assign(new Error(`connect ${code}`), { code });
  return Object.assign(new Error(`because of ${name}`), {
    name,
    $metadata: { httpStatusCode: status, requestId: 'request-id-of-the-error', clockSkewCorrected },
  });
}
