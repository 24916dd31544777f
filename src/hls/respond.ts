import type { Bytes } from '../ebml/bytes.js';
import { crc32 } from '../ebml/crc32.js';

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

/** What a request is answered with. */
export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: Bytes | string;
  readonly cacheControl: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** How answers become responses. */
export interface ResponseSettings {
  readonly allowOrigin: string | undefined;
  /** Default: the platform's. */
  readonly Response: ResponseClass | undefined;
}

const MEDIA_LIKE = 'application/vnd.apple.mpegurl';

/** Media types. */
export const ContentType = {
  playlist: MEDIA_LIKE,
  manifest: 'application/dash+xml',
  text: 'text/plain; charset=utf-8',
} as const;

/** An answer that says why there is no other. */
export function refusal(status: number, text: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, type: ContentType.text, body: `${text}\n`, cacheControl: 'no-store', headers };
}

/** The response to a GET, HEAD or OPTIONS: whole, not modified, or a range of it. */
export function respond(request: Request, answer: Answer, settings: ResponseSettings): Response {
  const headers: Record<string, string> = {
    ...corsHeaders(settings.allowOrigin),
    'content-type': answer.type,
    'cache-control': answer.cacheControl,
    'x-content-type-options': 'nosniff',
    ...answer.headers,
  };
  const { body } = answer;
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body;
  let status = answer.status;
  let sent = bytes;
  if (status === 200) {
    const etag = entityTag(bytes);
    headers['etag'] = etag;
    headers['accept-ranges'] = 'bytes';
    if (matches(request.headers.get('if-none-match'), etag)) {
      delete headers['content-type'];
      return make(settings, null, { status: 304, headers });
    }
    const wanted = request.headers.has('if-range') ? null : request.headers.get('range');
    const range = rangeOf(wanted, bytes.length);
    if (range === 'none') {
      headers['content-range'] = `bytes */${bytes.length}`;
      headers['content-length'] = '0';
      return make(settings, null, { status: 416, headers });
    }
    if (range !== undefined) {
      status = 206;
      headers['content-range'] = `bytes ${range.start}-${range.end - 1}/${bytes.length}`;
      sent = bytes.subarray(range.start, range.end);
    }
  }
  headers['content-length'] = String(sent.length);
  return make(settings, request.method === 'HEAD' ? null : sent, { status, headers });
}

/** The response to what a browser asks before it lets a page make a request. */
export function preflight(settings: ResponseSettings): Response {
  const headers = {
    ...corsHeaders(settings.allowOrigin),
    'access-control-allow-methods': 'GET, HEAD, OPTIONS',
    'access-control-allow-headers': 'Range, If-None-Match',
    'access-control-max-age': '86400',
  };
  return make(settings, null, { status: 204, headers });
}

function corsHeaders(allowOrigin: string | undefined): Record<string, string> {
  if (allowOrigin === undefined) return {};
  return {
    'access-control-allow-origin': allowOrigin,
    'access-control-expose-headers': 'Content-Length, Content-Range, Date, ETag',
  };
}

function make(
  { Response: Made }: ResponseSettings,
  body: Bytes | null,
  init: { readonly status: number; readonly headers: Record<string, string> },
): Response {
  if (Made !== undefined) return new Made(body, init);
  // The platform copies an array that it is given, and passes on what a stream has.
  return new Response(body === null || body.length < LARGE ? body : streamOf(body), init);
}

const LARGE = 4096;

function streamOf(bytes: Bytes): ReadableStream<Uint8Array> {
  return new ReadableStream({
    pull(controller) {
      controller.enqueue(bytes);
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
