import { randomBytes, timingSafeEqual } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { extname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AccessControl, type AccessOptions, LOOPBACK } from '../testing/access-control.js';
import { ServiceError } from '../testing/service-error.js';
import { SelfContainedError } from './command.js';
import { interrupted } from './interrupt.js';
import { listen } from './listen.js';
import { sendLive } from './live-envelope.js';
import { openUrl } from './open-url.js';
import type { PageFile } from './player-page.js';
import type { StreamRequest } from './service.js';
import { explain, outputIsTerminal, writeOut } from './terminal.js';
import { openViewedFile, sendFile, type ViewedFile } from './viewed-file.js';

/** The page as the build puts it beside the folder of this file. */
const PAGE = new URL('../view/', import.meta.url);

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** A page may do nothing but what this one does: no script or style of others, and no word to anyone but this process. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  'media-src blob:',
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cache-control': 'no-store',
};

/** So many pages may watch a live stream at once: the service lets few connections read a stream. */
const MOST_VIEWERS = 3;

/** Where and for whom a page is served. */
export interface ViewOptions extends AccessOptions {
  readonly port: number;
  readonly json: boolean;
  /** Whether a browser is to be opened, where there is a terminal. */
  readonly opens: boolean;
}

/** Serves the page that shows files, or a stream of the service, until the process is told to stop. */
export async function serveView(
  paths: readonly string[],
  stream: StreamRequest | undefined,
  options: ViewOptions,
): Promise<void> {
  const { port, host = LOOPBACK } = options;
  const page = await pageFiles();
  const files: ViewedFile[] = [];
  const view = new ViewHandler(page, files, stream, options);
  const server = createServer((request, response) => view.answer(request, response));
  const stopped = interrupted();
  try {
    for (const path of paths) files.push(await openViewedFile(path));
    const origin = await listen(server, port, host);
    await announce(`${origin}/${view.token}/`, options);
    await stopped;
  } finally {
    server.closeAllConnections();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
    for (const { handle } of files) await handle.close();
  }
}

/** Answers the requests of the page. */
class ViewHandler {
  /** The secret in the page's address: who does not have it is told nothing. */
  readonly token = randomBytes(24).toString('base64url');
  readonly #page: ReadonlyMap<string, PageFile>;
  readonly #files: readonly ViewedFile[];
  readonly #stream: StreamRequest | undefined;
  readonly #access: AccessControl;
  #viewers = 0;

  constructor(
    page: ReadonlyMap<string, PageFile>,
    files: readonly ViewedFile[],
    stream: StreamRequest | undefined,
    options: AccessOptions,
  ) {
    this.#page = page;
    this.#files = files;
    this.#stream = stream;
    this.#access = new AccessControl(options);
  }

  answer(request: IncomingMessage, response: ServerResponse): void {
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
    const path = this.#admit(request, response);
    if (path === undefined) return;
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      refuse(response, 405, 'only GET and HEAD are answered');
      return;
    }
    const file = this.#files[/^file\/(\d{1,6})$/.test(path) ? Number(path.slice(5)) : -1];
    const part = this.#page.get(path === '' ? 'index.html' : path);
    if (file !== undefined) sendFile(file, request.method, request.headers.range, response);
    else if (path === 'source.json') send(request, response, { type: 'application/json', bytes: this.#sources() });
    else if (path === 'live' && this.#stream !== undefined) this.#sendLive(this.#stream, request, response);
    else if (part !== undefined) send(request, response, part);
    else refuse(response, 404, 'there is nothing here');
  }

  /** The path behind the token; `undefined` where the request is refused. */
  #admit(request: IncomingMessage, response: ServerResponse): string | undefined {
    const { headers, url = '' } = request;
    try {
      // A page whose name has been made to point here is told by it, and another site's by its origin.
      this.#access.check(request);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      refuse(response, error.status, error.message);
      return undefined;
    }
    const isOwn = headers.origin === undefined || headers.origin === `http://${headers.host}`;
    // A link to the page may stand anywhere; what the page is made of is for the page alone.
    const isForeign = headers['sec-fetch-site'] === 'cross-site' && headers['sec-fetch-dest'] !== 'document';
    const [, token = '', path] = /^\/([^/?]*)\/([^?]*)(?:\?.*)?$/s.exec(url) ?? [];
    if (isOwn && !isForeign && path !== undefined && equal(token, this.token)) return path;
    refuse(response, 403, 'this is not the address of the page');
    return undefined;
  }

  #sources(): Uint8Array {
    const files = this.#files.map(({ name, size }, index) => ({ name, size, url: `file/${index}` }));
    const live = this.#stream && { name: this.#stream.streamName, url: 'live' };
    return Buffer.from(JSON.stringify({ files, live }));
  }

  #sendLive(stream: StreamRequest, request: IncomingMessage, response: ServerResponse): void {
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    if (this.#viewers >= MOST_VIEWERS) {
      refuse(response, 503, `${MOST_VIEWERS} pages watch the stream already`);
      return;
    }
    this.#viewers++;
    void sendLive(stream, response).finally(() => {
      this.#viewers--;
    });
  }
}

function equal(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

function send({ method }: IncomingMessage, response: ServerResponse, { type, bytes }: PageFile): void {
  response.writeHead(200, { 'content-type': type, 'content-length': bytes.length });
  response.end(method === 'HEAD' ? undefined : bytes);
}

function refuse(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
}

/** The files of the page, by their paths. It is told where the streams are. */
async function pageFiles(): Promise<ReadonlyMap<string, PageFile>> {
  const folder = fileURLToPath(PAGE);
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = new Map<string, PageFile>();
  for (const entry of entries) {
    const type = TYPES[extname(entry.name)];
    if (!entry.isFile() || type === undefined) continue;
    const path = join(entry.parentPath, entry.name);
    files.set(relative(folder, path).split(sep).join('/'), { type, bytes: await readFile(path) });
  }
  const index = files.get('index.html');
  if (index === undefined) throw new SelfContainedError('the page has not been built: npm run build');
  const html = Buffer.from(index.bytes)
    .toString()
    .replace('</head>', '<meta name="kvs-source" content="source.json"></head>');
  return files.set('index.html', { ...index, bytes: Buffer.from(html) });
}

async function announce(url: string, { json, opens }: ViewOptions): Promise<void> {
  await writeOut(json ? `${JSON.stringify({ page: url })}\n` : `${url}\n`);
  if (json) return;
  if (opens && outputIsTerminal()) openUrl(url);
  explain('Press Ctrl-C to stop');
}
