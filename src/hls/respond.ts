import type { Bytes } from '../ebml/bytes.js';
import { crc32 } from '../ebml/crc32.js';
import type { Asked } from './asked.js';

/**
 * Names of the platform that public types speak of. Each is the platform's own where a program has it (the DOM library, `@types/node`);
 * elsewhere it is empty, and the program compiles all the same.
 */
declare global {
  interface ReadableStream<R> {}
  interface Request {}
  interface Response {}
}

/** A class that creates responses from a body, a `status` and `headers`: the platform's `Response`, or a faster one of the runtime. */
export type ResponseClass = new (
  body?: Bytes | string | ReadableStream<Uint8Array> | null,
  init?: { readonly status: number; readonly headers: Record<string, string> },
) => Response;

/** What a request is answered with. All who are given the same answer share what is made of it. */
export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: Bytes | string;
  readonly cacheControl: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What goes out: an answer, as the request wants it. The names of headers are in lower case. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** A view, not a copy. `null`: there is none, whatever `content-length` says. */
  readonly body: Bytes | string | null;
}

/** Media types. */
export const ContentType = {
  playlist: 'application/vnd.apple.mpegurl',
  manifest: 'application/dash+xml',
  text: 'text/plain; charset=utf-8',
} as const;

/** An answer that says why there is no other. */
export function refusal(status: number, text: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, type: ContentType.text, body: `${text}\n`, cacheControl: 'no-store', headers };
}

/** The whole of an answer. */
interface Whole extends Reply {
  readonly body: Bytes | string;
  readonly bytes: Bytes;
  readonly etag: string;
}

/** Makes replies of answers: whole, not modified, or a range. */
export class Replier {
  readonly #cors: Readonly<Record<string, string>>;
  readonly #wholes = new WeakMap<Answer, Whole>();

  /** @param allowOrigin which pages may read the replies; `undefined`: says nothing of it */
  constructor(allowOrigin: string | undefined) {
    this.#cors =
      allowOrigin === undefined
        ? {}
        : {
            'access-control-allow-origin': allowOrigin,
            'access-control-expose-headers': 'Content-Length, Content-Range, Date, ETag',
          };
  }

  /** The reply to a GET or HEAD. */
  reply(asked: Asked, answer: Answer): Reply {
    const whole = this.#whole(answer);
    const isHead = asked.method === 'HEAD';
    if (whole.status !== 200) return isHead ? { ...whole, body: null } : whole;
    if (matches(asked.header('if-none-match'), whole.etag)) {
      const { 'content-type': _, 'content-length': __, ...headers } = whole.headers;
      return { status: 304, headers, body: null };
    }
    const wanted = asked.header('range');
    const range =
      wanted === null || asked.header('if-range') !== null ? undefined : rangeOf(wanted, whole.bytes.length);
    if (range === undefined) return isHead ? { ...whole, body: null } : whole;
    const { headers, bytes } = whole;
    if (range === 'none') {
      const none = { 'content-range': `bytes */${bytes.length}`, 'content-length': '0' };
      return { status: 416, headers: { ...headers, ...none }, body: null };
    }
    const { start, end } = range;
    const part = {
      'content-range': `bytes ${start}-${end - 1}/${bytes.length}`,
      'content-length': String(end - start),
    };
    return { status: 206, headers: { ...headers, ...part }, body: isHead ? null : bytes.subarray(start, end) };
  }

  /** The reply to what a browser asks before it lets a page make a request. */
  preflight(): Reply {
    const headers = {
      ...this.#cors,
      'access-control-allow-methods': 'GET, HEAD, OPTIONS',
      'access-control-allow-headers': 'Range, If-None-Match',
      'access-control-max-age': '86400',
    };
    return { status: 204, headers, body: null };
  }

  #whole(answer: Answer): Whole {
    let whole = this.#wholes.get(answer);
    if (whole === undefined) {
      const { status, body, type, cacheControl } = answer;
      const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body;
      const etag = status === 200 ? entityTag(bytes) : '';
      const headers = {
        ...this.#cors,
        'content-type': type,
        'cache-control': cacheControl,
        'x-content-type-options': 'nosniff',
        ...answer.headers,
        ...(status === 200 ? { etag, 'accept-ranges': 'bytes' } : {}),
        'content-length': String(bytes.length),
      };
      whole = { status, headers, body, bytes, etag };
      this.#wholes.set(answer, whole);
    }
    return whole;
  }
}

/** A reply as a response of the platform, or of the class that is given. */
export function toResponse({ status, headers, body }: Reply, Made?: ResponseClass): Response {
  const init = { status, headers: { ...headers } };
  if (Made !== undefined) return new Made(body, init);
  // The platform copies an array that it is given, and passes on what a stream has.
  return new Response(body === null || body.length < LARGE ? body : streamOf(body), init);
}

const LARGE = 4096;

function streamOf(body: Bytes | string): ReadableStream<Uint8Array> {
  return new ReadableStream({
    pull(controller) {
      controller.enqueue(typeof body === 'string' ? new TextEncoder().encode(body) : body);
      controller.close();
    },
  });
}

/** Of media, which stays the same array for as long as it is there. */
const known = new WeakMap<Uint8Array, string>();

function entityTag(bytes: Uint8Array): string {
  let tag = known.get(bytes);
  if (tag === undefined) {
    tag = `"${bytes.length.toString(36)}-${crc32(bytes).toString(36)}"`;
    known.set(bytes, tag);
  }
  return tag;
}

function matches(header: string | null, etag: string): boolean {
  if (header === null) return false;
  return header.split(',').some((each) => each.trim() === '*' || each.trim().replace(/^W\//, '') === etag);
}

/** The range that a `Range` header asks for; `undefined` for all, `'none'` where there is nothing. Several ranges are answered with all. */
export function rangeOf(header: string | null, size: number): { start: number; end: number } | 'none' | undefined {
  const match = header === null ? null : /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header);
  if (match === null) return undefined;
  const [, from = '', to = ''] = match;
  if (from === '' && to === '') return undefined;
  const start = from === '' ? Math.max(0, size - Number(to)) : Number(from);
  const end = from === '' || to === '' ? size : Math.min(size, Number(to) + 1);
  return start >= size || end <= start ? 'none' : { start, end };
}
