import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Choices } from '../input.js';
import { type Answer, errorAnswer } from './answers.js';
import { sendBody } from './body.js';
import type { StoredFragment, StreamShape } from './camera.js';
import { endpointFault, type Fault, isDamage, listFault, mediaFault } from './faults.js';
import { header, Id, openElement, tags } from './matroska.js';
import type { CallHandler } from './service.js';

/** How far a clock may be off before the service refuses a signature. */
const SKEW_MS = 5 * 60_000;

/** How a stream meets its consumer. */
export interface StreamSetup {
  readonly shape: StreamShape;
  readonly fragments: readonly StoredFragment[];
  /** What the stream is when it is deleted and made anew, once. */
  readonly remade: readonly StoredFragment[] | undefined;
  /** How many faults there will be; behind them all goes well. */
  readonly faults: number;
  /** How far the service's clock is from the consumer's. */
  readonly skewMs: number;
  /** Whether reading from a continuation token begins with its fragment again. */
  readonly tokenInclusive: boolean;
  /** Is told what is asked and what happens to the answer. */
  readonly trace: (text: string) => void;
}

/** A stream of the fake service: answers the calls about it, and makes the faults. */
export class FakeStream implements CallHandler {
  readonly #setup: StreamSetup;
  readonly #c: Choices;
  #fragments: readonly StoredFragment[];
  #url = '';
  #endpoint = 0;
  /** The lowest number of a key that is taken. */
  #validKey = 0;
  #lastKey = 0;
  /** The place of the oldest fragment that is kept. */
  #oldest = 0;
  #faultsLeft: number;
  /** Calls that are not answered in full yet. */
  #open = 0;
  /** Refusals of credentials since the last good answer of the stream's endpoint. */
  #refusals = 0;
  /** Fragments that cannot be had from now on, or cannot be had whole. */
  readonly excused = new Set<StoredFragment>();
  readonly counts = { faults: 0, calls: 0, mediaCalls: 0, cleanCalls: 0 };
  /** How often something that came was damaged on its way. */
  damage = 0;
  /** Errors of the stream's key: the fragment that is asked for is not tried again. */
  keyErrors = 0;
  /** Bits that were wrong in all; one in a fragment's number cannot always be told from the right one. */
  flips = 0;
  /** Whether what the service has said may end the consumer at hand. */
  mayEnd = false;
  /** Whether media have been given to the consumer at hand. */
  reached = false;

  constructor(setup: StreamSetup, c: Choices) {
    this.#setup = setup;
    this.#c = c;
    this.#fragments = setup.fragments;
    this.#faultsLeft = setup.faults;
    for (const list of [setup.fragments, setup.remade ?? []]) {
      for (const fragment of list) if (fragment.flaw !== undefined) this.excused.add(fragment);
    }
  }

  /** The control plane's URL, when it is known. */
  set url(url: string) {
    this.#url = url;
  }

  /** Credentials like those that a provider would give out anew. */
  issueKey(): string {
    return `KEY${++this.#lastKey}`;
  }

  /** Another consumer comes. */
  begin(): void {
    this.mayEnd = false;
    this.reached = false;
  }

  /** Takes one of the faults that are left, most of the time when there are any. */
  takeFault(): boolean {
    if (this.#faultsLeft === 0 || this.#c.oneIn(3)) return false;
    this.#faultsLeft--;
    this.counts.faults++;
    return true;
  }

  async handle(
    path: readonly string[],
    input: unknown,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    this.counts.calls++;
    this.#open++;
    response.on('close', () => this.#open--);
    if (this.#faultsLeft === 0) this.counts.cleanCalls++;
    const operation = path.at(-1) ?? '';
    const endpoint = path.length > 1 ? path[0] : undefined;
    response.setHeader('date', new Date(Date.now() + this.#setup.skewMs).toUTCString());
    if (this.#refusesSignature(request, response)) return;
    if (endpoint !== undefined && endpoint !== `e${this.#endpoint}`) {
      return answer(response, errorAnswer(this.#c, 'InvalidEndpointException', 400));
    }
    const fault = this.takeFault() ? this.#faultFor(operation) : undefined;
    this.#setup.trace(
      `${operation} ${JSON.stringify(input)}: ${fault === undefined ? 'no fault' : JSON.stringify(fault)}`,
    );
    if (fault !== undefined && this.#spoils(fault, request, response)) return;
    // Of answers that are on their way at the same time, nobody here knows which one the consumer sees first. An answer is heard of late on a
    // busy machine: refusals that came since are not before it.
    if (operation !== 'getDataEndpoint') {
      const refusals = this.#refusals;
      response.on('close', () => {
        if (this.#open === 0) this.#refusals = Math.max(0, this.#refusals - refusals);
      });
    }
    const field = (name: string): unknown =>
      typeof input === 'object' && input !== null ? Reflect.get(input, name) : undefined;
    switch (operation) {
      case 'getDataEndpoint':
        return json(response, {
          DataEndpoint: fault?.kind === 'endpoint' ? fault.url : `${this.#url}/e${this.#endpoint}`,
        });
      case 'listFragments':
        return this.#list(field('NextToken'), response);
      case 'getMedia':
        return this.#getMedia(field('StartSelector'), fault, response);
      case 'getMediaForFragmentList':
        return this.#getList(field('Fragments'), fault, response);
      default:
        answer(response, errorAnswer(this.#c, 'UnknownOperationException', 404));
    }
  }

  #faultFor(operation: string): Fault {
    const { shape } = this.#setup;
    const length = this.#fragments.slice(0, 4).reduce((sum, { live }) => sum + live.length, 0);
    if (operation === 'getDataEndpoint') return endpointFault(this.#c);
    if (operation === 'listFragments') return listFault(this.#c);
    return mediaFault(this.#c, length, { canFlip: shape.crc, canSwap: operation !== 'getMedia' });
  }

  #refusesSignature(request: IncomingMessage, response: ServerResponse): boolean {
    const date = String(request.headers['x-amz-date'] ?? '');
    const [, year, month, day, hour, minute, second] = /^(....)(..)(..)T(..)(..)(..)Z$/.exec(date) ?? [];
    const signed = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
    if (Math.abs(Date.now() + this.#setup.skewMs - signed) > SKEW_MS) {
      const name = this.#c.pick(['InvalidSignatureException', 'RequestTimeTooSkewed', 'SignatureDoesNotMatch']);
      answer(response, errorAnswer(this.#c, name, 403));
      return true;
    }
    const [, key = '0'] = /Credential=KEY(\d+)/.exec(request.headers.authorization ?? '') ?? [];
    if (Number(key) >= this.#validKey) return false;
    this.#refusals++;
    answer(response, errorAnswer(this.#c, this.#c.pick(['ExpiredTokenException', 'ExpiredToken']), 403));
    return true;
  }

  /** Faults that leave nothing of the answer. */
  #spoils(fault: Fault, request: IncomingMessage, response: ServerResponse): boolean {
    if (isDamage(fault)) this.damage++;
    if (fault.kind === 'flip') this.flips++;
    switch (fault.kind) {
      case 'answer':
        // Who has never reached the service cannot know that another answer may come.
        this.mayEnd ||= fault.mayEnd || (!this.reached && fault.answer.status === 200);
        answer(response, fault.answer);
        return true;
      case 'refused':
        this.mayEnd ||= ++this.#refusals > 1;
        answer(response, fault.answer);
        return true;
      case 'expired':
        this.#refusals++;
        this.#validKey = this.#lastKey + 1;
        answer(response, errorAnswer(this.#c, 'ExpiredTokenException', 403));
        return true;
      case 'moved':
        this.#endpoint++;
        answer(response, errorAnswer(this.#c, 'InvalidEndpointException', 400));
        return true;
      case 'endpoint':
        this.mayEnd = true;
        return false;
      case 'reset':
        request.socket.destroy();
        return true;
      case 'silent':
        return true;
      case 'no HTTP':
        request.socket.end('SSH-2.0-OpenSSH_9.6\r\n\r\n');
        return true;
      default:
        return false;
    }
  }

  async #getMedia(selector: unknown, fault: Fault | undefined, response: ServerResponse): Promise<void> {
    this.counts.mediaCalls++;
    this.#live();
    const from = this.#find(selector);
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'x-amzn-requestid': 'request' });
    if (from === undefined) {
      return sendBody(response, [errorDocument(4000, 'FRAGMENT_NOT_FOUND')], this.#c, undefined);
    }
    const count = 1 + this.#c.below(this.#c.pick([2, 5, 30]));
    const back = fault?.kind === 'back' ? fault.count : 0;
    const documents = this.#fragments.slice(Math.max(this.#oldest, from - back), from + count).map(({ live }) => live);
    this.#setup.trace(
      `${documents.length} documents from ${from - back} of ${this.#fragments.length}, the oldest is ${this.#oldest}`,
    );
    if (documents.length > 0) this.reached = true;
    await sendBody(response, this.#spoilt(documents, fault, undefined), this.#c, fault);
  }

  /** What the producer and the service do between two connections. */
  #live(): void {
    const { remade } = this.#setup;
    if (remade !== undefined && this.#fragments !== remade && this.counts.mediaCalls > 6 && this.#c.oneIn(3)) {
      for (const fragment of this.#fragments) this.excused.add(fragment);
      this.#fragments = remade;
      this.#oldest = 0;
    } else if (this.#faultsLeft > 0 && this.#c.oneIn(40)) {
      this.#oldest = Math.min(this.#fragments.length - 1, this.#oldest + this.#c.below(this.#fragments.length));
      for (const fragment of this.#fragments.slice(0, this.#oldest)) this.excused.add(fragment);
    }
  }

  /** The place of the first fragment that a selector means; `undefined` where the service does not know it. */
  #find(selector: unknown): number | undefined {
    const field = (name: string): unknown =>
      typeof selector === 'object' && selector !== null ? Reflect.get(selector, name) : undefined;
    const kept = (index: number) => (index < 0 || index < this.#oldest ? undefined : index);
    switch (field('StartSelectorType')) {
      case 'FRAGMENT_NUMBER': {
        const found = kept(this.#fragments.findIndex(({ number }) => number === field('AfterFragmentNumber')));
        return found === undefined ? undefined : found + 1;
      }
      case 'CONTINUATION_TOKEN': {
        const found = kept(this.#fragments.findIndex(({ token }) => token === field('ContinuationToken')));
        return found === undefined ? undefined : found + (this.#setup.tokenInclusive ? 0 : 1);
      }
      case 'SERVER_TIMESTAMP':
      case 'PRODUCER_TIMESTAMP': {
        const time = Number(field('StartTimestamp')) * 1000;
        const begun = this.#fragments.filter(({ receivedAt }) => receivedAt <= time).length;
        return Math.max(this.#oldest, begun - 1);
      }
      case 'NOW':
        return this.#fragments.length - 1;
      default:
        return this.#oldest;
    }
  }

  /** The fragments' list in pages, in no order; some come on two pages. */
  #list(token: unknown, response: ServerResponse): void {
    const page = Number(token ?? 0);
    const perPage = 7;
    // The same order for each page: it follows from the numbers.
    const mixed = [...this.#fragments].sort((a, b) => Number(BigInt(a.number) % 97n) - Number(BigInt(b.number) % 97n));
    const from = Math.max(0, page * perPage - 1);
    const until = (page + 1) * perPage;
    json(response, {
      Fragments: mixed.slice(from, until).map((fragment) => ({
        FragmentNumber: fragment.number,
        FragmentSizeInBytes: fragment.size,
        ProducerTimestamp: fragment.producedAt / 1000,
        ServerTimestamp: fragment.receivedAt / 1000,
        FragmentLengthInMilliseconds: fragment.durationMs,
      })),
      ...(until < mixed.length ? { NextToken: String(page + 1) } : {}),
    });
  }

  async #getList(numbers: unknown, fault: Fault | undefined, response: ServerResponse): Promise<void> {
    this.counts.mediaCalls++;
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'x-amzn-requestid': 'request' });
    const asked = Array.isArray(numbers) ? numbers : [];
    const found = asked.map((number) => this.#fragments.find((fragment) => fragment.number === number));
    const documents = found.map((fragment, i) => fragment?.archived ?? missingDocument(String(asked[i]), 4000));
    if (fault?.kind === 'back')
      documents.unshift(...this.#fragments.slice(0, fault.count).map(({ archived }) => archived));
    if (documents.length > 0) this.reached = true;
    await sendBody(response, this.#spoilt(documents, fault, asked), this.#c, fault);
  }

  #spoilt(documents: readonly Buffer[], fault: Fault | undefined, asked: readonly unknown[] | undefined): Buffer[] {
    switch (fault?.kind) {
      case 'twice':
        return documents.flatMap((document) => [document, document]);
      case 'swapped':
        return [...documents.slice(1, 2), ...documents.slice(0, 1), ...documents.slice(2)];
      case 'garbage':
        return [...documents.slice(0, fault.behind), fault.bytes, ...documents.slice(fault.behind)];
      case 'stream error': {
        if (fault.id !== undefined && fault.id >= 4500 && fault.id <= 4506) this.keyErrors++;
        const { behind, id, code } = fault;
        if (asked !== undefined) {
          const number = asked[Math.min(behind, asked.length - 1)];
          // The error stands in place of a fragment, or ends the batch.
          const place = missingDocument(this.#c.oneIn(4) ? undefined : String(number), id ?? code ?? 'SOMETHING');
          this.mayEnd ||= id !== undefined && id >= 4500 && id <= 4506;
          const at = Math.min(behind, documents.length - 1);
          return [...documents.slice(0, at), place, ...documents.slice(at + 1)];
        }
        this.mayEnd ||= id === undefined || ![3002, 5000, 4503, 4000].includes(id);
        return [...documents.slice(0, behind), errorDocument(id, code)];
      }
      default:
        return [...documents];
    }
  }
}

/** How GetMedia reports an error within the stream. */
function errorDocument(id: number | undefined, code: string | undefined): Buffer {
  return Buffer.concat([
    header(),
    openElement(Id.Segment),
    tags([
      ...(code === undefined ? [] : ([['AWS_KINESISVIDEO_ERROR_CODE', code]] as const)),
      ...(id === undefined ? [] : ([['AWS_KINESISVIDEO_ERROR_ID', String(id)]] as const)),
    ]),
  ]);
}

/** How GetMediaForFragmentList reports it, of one fragment or of all. */
function missingDocument(number: string | undefined, code: number | string): Buffer {
  return Buffer.concat([
    header(),
    openElement(Id.Segment),
    tags([
      ...(number === undefined ? [] : ([['AWS_KINESISVIDEO_FRAGMENT_NUMBER', number]] as const)),
      ['AWS_KINESISVIDEO_EXCEPTION_ERROR_CODE', String(code)],
      ['AWS_KINESISVIDEO_EXCEPTION_MESSAGE', 'it failed'],
    ]),
  ]);
}

function answer(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, headers).end(body);
}

function json(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}
