import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ByteStream } from '../mkv/byte-stream.js';
import { AccessControl, type AccessOptions, LOOPBACK } from './access-control.js';
import { BodyWriter } from './body-writer.js';
import type { Fault, FaultPlan } from './faults.js';
import { makeClip } from './get-clip.js';
import { fragmentNumbers, sendFragments, sendMedia, startPosition } from './get-media.js';
import { type JsonInput, named } from './json-input.js';
import { NO_LIMITS, SERVICE_LIMITS, type ServiceLimits, type Violation } from './limits.js';
import type { FillOptions, LocalStream } from './local-stream.js';
import { JSON_OPERATIONS } from './operations.js';
import { readPutMediaHeaders, receiveMedia } from './put-media.js';
import { Service } from './service.js';
import { ServiceError } from './service-error.js';

/** A stream that exists from the beginning, and its media. */
export interface LocalStreamOptions extends FillOptions {
  /** The path of a Matroska file, or bytes. Default: the stream is empty. */
  readonly source?: string | ByteStream | undefined;
}

/** Options of {@link startLocalKinesisVideo}. */
export interface LocalKinesisVideoOptions extends AccessOptions {
  /** Streams by name. */
  readonly streams?: Readonly<Record<string, LocalStreamOptions>> | undefined;
  /** The port; default: a free one. */
  readonly port?: number | undefined;
  /** The plan of faults. Default: none. */
  readonly faults?: FaultPlan | undefined;
  /** Limits other than the service's, or `false` for none. */
  readonly limits?: Partial<ServiceLimits> | false | undefined;
  /** After so many milliseconds without a new fragment, GetMedia ends its body. Default 3000, as the service does. */
  readonly idleTimeoutMs?: number | undefined;
  /** After so many milliseconds, GetMedia ends its body in any case. Default: never. */
  readonly maxSessionMs?: number | undefined;
  /** After so many milliseconds in which the consumer reads nothing, the connection is closed. Default: never. */
  readonly slowConsumerMs?: number | undefined;
  /** How many fragments a stream stores. Older ones are removed. Default: no limit. */
  readonly retention?: number | undefined;
  /**
   * How many bytes from PutMedia a stream stores. Older fragments are removed. Default 1 GiB. Sources of any length are stored whole.
   */
  readonly retentionBytes?: number | undefined;
  /** How GetMediaForFragmentList spells the timestamps: with _SIDE_, as documented, or as GetMedia does. Default `true`. */
  readonly sideTimestamps?: boolean | undefined;
  /** How often PutMedia acknowledges that nothing arrives, in milliseconds. Default 10,000. */
  readonly idleAcknowledgementMs?: number | undefined;
}

/** A request that was answered, or is being answered. */
export interface LocalRequest {
  /** The operation's name in the API. */
  readonly operation: string;
  /** The stream's name; empty for an operation on no stream. */
  readonly stream: string;
  /** `x-amzn-RequestId` of the answer. */
  readonly requestId: string;
  /** When the request arrived, in milliseconds since 1970. */
  readonly time: number;
  /** The faults that were planned for it. */
  readonly faults: readonly Fault[];
  /** The error of the response; absent if there was none. */
  error?: string;
}

const OPERATION_PATH = /^(\/endpoint-\d+)?\/(\w+)$/;
const OPERATIONS = new Map(
  [...Object.keys(JSON_OPERATIONS), 'GetClip', 'GetMedia', 'GetMediaForFragmentList', 'PutMedia'].map((name) => [
    `${name[0]?.toLowerCase()}${name.slice(1)}`,
    name,
  ]),
);
const MOST_JSON = 1 << 20;
const MOST_REQUESTS = 10_000;
/** The most characters of a stream's name. */
const MOST_NAME = 256;
const RETENTION_BYTES = 2 ** 30;

/** A Kinesis Video endpoint on this machine. See {@link startLocalKinesisVideo}. */
export class LocalKinesisVideo {
  readonly #service: Service;
  readonly #options: LocalKinesisVideoOptions;
  readonly #server: Server;
  readonly #access: AccessControl;
  readonly #calls = new Map<string, number>();
  readonly #fills: Promise<void>[] = [];
  /** Those of `#fills` that are not in real time. */
  readonly #prompt: Promise<void>[] = [];
  #failure: unknown;
  /** The last 10,000 requests, oldest first. */
  readonly requests: LocalRequest[] = [];

  /** @internal */
  constructor(options: LocalKinesisVideoOptions) {
    this.#options = options;
    this.#access = new AccessControl(options);
    const limits = options.limits === false ? NO_LIMITS : { ...SERVICE_LIMITS, ...options.limits };
    this.#service = new Service({
      limits,
      idleTimeoutMs: options.idleTimeoutMs ?? 3000,
      maxSessionMs: options.maxSessionMs ?? Number.POSITIVE_INFINITY,
      slowConsumerMs: options.slowConsumerMs ?? Number.POSITIVE_INFINITY,
      retention: options.retention ?? Number.POSITIVE_INFINITY,
      sideTimestamps: options.sideTimestamps ?? true,
    });
    this.#service.faults = options.faults ?? this.#service.faults;
    // A producer may send for hours, and a client may use its connection again after a long pause.
    this.#server = createServer({ requestTimeout: 0, keepAliveTimeout: 65_000 }, (request, response) => {
      void this.#handle(request, response);
    });
    for (const [name, { source, ...fill }] of Object.entries(options.streams ?? {})) {
      const stream = this.createStream(name);
      if (source === undefined) continue;
      const filling = stream.fill(source, fill).catch((error: unknown) => {
        this.#failure ??= error;
      });
      this.#fills.push(filling);
      if (fill.realtime !== true) this.#prompt.push(filling);
    }
  }

  /** @internal */
  async start(): Promise<this> {
    try {
      await Promise.all(this.#prompt);
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve, reject) => {
        this.#server.once('error', reject);
        this.#server.listen(this.#options.port ?? 0, this.#options.host ?? LOOPBACK, resolve);
      });
    } catch (error) {
      for (const stream of this.#service.streams.values()) stream.delete();
      throw error;
    }
    return this;
  }

  /** The URL to give to clients as `endpoint`. Operations on media are also taken here, without GetDataEndpoint. */
  get endpoint(): string {
    return `http://${this.#host}`;
  }

  get #host(): string {
    const { address, port } = this.#server.address() as AddressInfo;
    // Of all addresses of this machine, the one that is always there.
    const host = address === '0.0.0.0' || address === '::' ? LOOPBACK : address;
    return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  }

  /** Waits until the sources of all streams that it was started with are stored; rejects when one could not be read. */
  async filled(): Promise<void> {
    await Promise.all(this.#fills);
    if (this.#failure !== undefined) throw this.#failure;
  }

  /**
   * A stream.
   *
   * @throws ServiceError ResourceNotFoundException
   */
  stream(name: string): LocalStream {
    return this.#service.findStream(name, undefined);
  }

  /** Makes a stream. Throws ServiceError when the name is taken or is none. */
  createStream(name: string): LocalStream {
    return this.#service.createStream(name);
  }

  /** Deletes a stream; connections that read it are closed. */
  deleteStream(name: string): void {
    this.#service.deleteStream(this.stream(name));
  }

  /** Sets what goes wrong from now on. */
  setFaults(plan: FaultPlan): void {
    this.#service.faults = plan;
  }

  /** Makes every endpoint that GetDataEndpoint has given so far answer InvalidEndpointException. */
  expireEndpoints(): void {
    this.#service.expireEndpoints();
  }

  /** Makes every streaming session that has been opened so far expire. */
  expireSessions(): void {
    this.#service.sessions.expire();
  }

  /** Makes all credentials that were used so far answer ExpiredTokenException. */
  expireCredentials(): void {
    this.#service.expireCredentials();
  }

  /** Calls that were refused because they went beyond the service's limits. Those that faults refused are not among them. */
  get violations(): readonly Violation[] {
    return this.#service.limits.violations;
  }

  /**
   * The most connections of an operation (`'GetMedia'`, `'GetMediaForFragmentList'`, `'PutMedia'`) that were open to one stream at a time.
   */
  peakConnections(operation: 'GetMedia' | 'GetMediaForFragmentList' | 'PutMedia'): number {
    return this.#service.limits.peakConnections.get(operation) ?? 0;
  }

  /** Ends all filling and closes all connections. */
  async close(): Promise<void> {
    for (const stream of [...this.#service.streams.values()]) this.#service.deleteStream(stream);
    await Promise.all(this.#fills);
    await new Promise((resolve) => {
      this.#server.close(resolve);
      this.#server.closeAllConnections();
    });
  }

  /** {@link LocalKinesisVideo.close}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const requestId = randomUUID();
    response.setHeader('x-amzn-RequestId', requestId);
    // A connection that breaks is seen where the body is written.
    response.on('error', () => {});
    request.on('error', () => {});
    let seen: LocalRequest | undefined;
    try {
      allowPage(this.#access.check(request), request, response);
      if (this.#service.sessions.answer(request, response)) return;
      if (request.method === 'OPTIONS') {
        response.writeHead(204).end();
        return;
      }
      const [, endpoint, path = ''] = OPERATION_PATH.exec(request.url ?? '') ?? [];
      const operation = OPERATIONS.get(path);
      if (operation === undefined || request.method !== 'POST') {
        throw new ServiceError('ResourceNotFoundException', `no operation ${request.method} ${request.url}`);
      }
      const input = operation === 'PutMedia' ? putMediaInput(request) : await readJson(request);
      const stream = streamName(input).slice(0, MOST_NAME);
      const call = this.#calls.get(operation) ?? 0;
      this.#calls.set(operation, call + 1);
      const faults = this.#service.faults({ operation, stream, call });
      seen = { operation, stream, requestId, time: Date.now(), faults };
      this.requests.push(seen);
      if (this.requests.length > MOST_REQUESTS) this.requests.shift();
      this.#service.limits.call(operation, stream);
      if (!(await this.#spoil(faults, response))) return;
      this.#service.checkCredentials(credentialsOf(request));
      if (endpoint !== undefined && endpoint !== this.#service.endpointPath) {
        throw new ServiceError('InvalidEndpointException', 'The endpoint is not valid any more: call GetDataEndpoint.');
      }
      await this.#serve(operation, input, request, response, faults);
    } catch (error) {
      const answer = error instanceof ServiceError ? error : new ServiceError('InternalFailure', String(error));
      if (seen !== undefined) seen.error = answer.type;
      sendError(response, answer);
    }
  }

  /** @returns whether the request is to be served after all */
  async #spoil(faults: readonly Fault[], response: ServerResponse): Promise<boolean> {
    for (const fault of faults) {
      if (fault.kind === 'refuse') {
        response.destroy();
        return false;
      }
      if (fault.kind === 'silent') {
        const closed = new AbortController();
        response.on('close', () => closed.abort());
        const { forMs = 2 ** 31 - 1 } = fault;
        await sleep(forMs, undefined, { signal: closed.signal }).catch(() => {});
        if (closed.signal.aborted) return false;
      }
      if (fault.kind === 'expire-endpoint') this.#service.expireEndpoints();
      if (fault.kind === 'expire-credentials' && fault.afterBytes === undefined) this.#service.expireCredentials();
      if (fault.kind === 'error') throw new ServiceError(fault.type, fault.message ?? 'A planned error.');
    }
    return true;
  }

  async #serve(
    operation: string,
    input: JsonInput,
    request: IncomingMessage,
    response: ServerResponse,
    faults: readonly Fault[],
  ): Promise<void> {
    const service = this.#service;
    const json = JSON_OPERATIONS[operation];
    if (json !== undefined) {
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify(await json(service, input, this.#host)));
      return;
    }
    if (operation === 'GetClip') {
      const clip = await makeClip(service, input);
      response.writeHead(200, { 'Content-Type': 'video/mp4', 'Content-Length': clip.length }).end(clip);
      return;
    }
    const stream = named(service, input);
    if (operation === 'PutMedia') {
      const headers = readPutMediaHeaders(request);
      const disconnect = service.limits.connect(operation, stream.name);
      response.on('close', disconnect);
      response.setHeader('Content-Type', 'application/json');
      response.flushHeaders();
      await receiveMedia(stream, request, response, headers, {
        fragmentBytes: service.settings.limits.fragmentBytes,
        retentionBytes: this.#options.retentionBytes ?? RETENTION_BYTES,
        idleMs: this.#options.idleAcknowledgementMs ?? 10_000,
      });
      return;
    }
    const isArchived = operation === 'GetMediaForFragmentList';
    const numbers = isArchived ? fragmentNumbers(input) : [];
    const start = isArchived ? undefined : startPosition(stream, input.StartSelector);
    response.on('close', service.limits.connect(isArchived ? operation : 'GetMedia', stream.name));
    response.setHeader('Content-Type', 'video/webm');
    response.flushHeaders();
    const body = new BodyWriter(response, {
      faults,
      bytesPerSecond: service.settings.limits.bytesPerSecond,
      slowConsumerMs: service.settings.slowConsumerMs,
      expireCredentials: () => service.expireCredentials(),
    });
    if (start === undefined) await sendFragments(service, stream, numbers, body, faults);
    else await sendMedia(service, stream, start, body, faults);
  }
}

/**
 * Starts a Kinesis Video endpoint on the loopback address. Programs and pages of this machine may call it (see {@link AccessOptions}). Give
 * its `endpoint` to the clients of the AWS SDK, with any credentials. It serves GetDataEndpoint, DescribeStream, ListStreams, CreateStream,
 * DeleteStream, UpdateDataRetention, GetMedia, ListFragments, GetMediaForFragmentList, PutMedia, GetHLSStreamingSessionURL,
 * GetDASHStreamingSessionURL, GetClip and GetImages, with the service's limits and the faults that you plan.
 *
 * @throws MkvParseError, or what reading a source throws, when a stream that is not filled in real time could not be filled
 */
export async function startLocalKinesisVideo(options: LocalKinesisVideoOptions = {}): Promise<LocalKinesisVideo> {
  return new LocalKinesisVideo(options).start();
}

/** Lets a page have the answer, and read the headers that tell what went wrong. */
function allowPage(origin: string | undefined, request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('Vary', 'Origin');
  if (origin === undefined) return;
  response.setHeader('Access-Control-Allow-Origin', origin);
  response.setHeader('Access-Control-Allow-Methods', 'POST, OPTIONS');
  response.setHeader('Access-Control-Allow-Headers', request.headers['access-control-request-headers'] ?? '*');
  response.setHeader('Access-Control-Expose-Headers', 'x-amzn-ErrorType, x-amzn-RequestId, Date');
  response.setHeader('Access-Control-Max-Age', '172800');
}

function sendError(response: ServerResponse, error: ServiceError): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.statusCode = error.status;
  response.setHeader('Content-Type', 'application/json');
  response.setHeader('x-amzn-ErrorType', error.type);
  response.end(JSON.stringify({ Message: error.message, message: error.message }));
}

async function readJson(request: IncomingMessage): Promise<JsonInput> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > MOST_JSON) throw new ServiceError('InvalidArgumentException', 'The request is too long.');
  }
  try {
    const value: unknown = length === 0 ? {} : JSON.parse(Buffer.concat(chunks).toString());
    if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value));
  } catch {
    // It is refused below.
  }
  throw new ServiceError('InvalidArgumentException', 'The request is no JSON object.');
}

function putMediaInput(request: IncomingMessage): JsonInput {
  return { StreamName: request.headers['x-amzn-stream-name'], StreamARN: request.headers['x-amzn-stream-arn'] };
}

function streamName({ StreamName: name, StreamARN: arn }: JsonInput): string {
  return String(typeof arn === 'string' ? (/stream\/([^/]+)/.exec(arn)?.[1] ?? arn) : (name ?? ''));
}

/** What tells one set of credentials from another: the access key's id and the session token. */
function credentialsOf(request: IncomingMessage): string {
  const key = /Credential=([^/]+)/.exec(request.headers.authorization ?? '')?.[1] ?? '';
  const token = request.headers['x-amz-security-token'] ?? '';
  return createHash('sha256').update(`${key} ${token}`).digest('base64');
}
