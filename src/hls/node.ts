/**
 * Serves a `Packager` with `node:http`.
 *
 * @module kvs-parser/hls/node
 */
import { FastResponse, NodeRequest, sendNodeResponse } from 'srvx/node';
import type { Asked } from './asked.js';
import { type PlaybackHandler, repliesOf } from './handler.js';
import type { Reply } from './respond.js';

/** A listener for `createServer` of `node:http`. */
export type NodeListener = (request: object, response: object) => void;

/**
 * Makes a listener for `node:http` of a handler: what it answers goes out as it lies in memory, with the connection's back-pressure, and a
 * viewer who goes ends the request.
 *
 * ```ts
 * createServer(toNodeListener(packager.handler)).listen(8080);
 * ```
 *
 * A function that calls the handler is served as well. It takes more processor time, as it needs a `Request` and a `Response`.
 */
export function toNodeListener(handler: PlaybackHandler): NodeListener {
  const replies = repliesOf(handler);
  return (req, res) => {
    if (!isRequest(req) || !isResponse(res)) throw new TypeError('these are no request and response of node:http');
    const sent =
      replies === undefined
        ? handler(new NodeRequest({ req, res }), FastResponse).then((response) => sendNodeResponse(res, response))
        : replies(new NodeAsked(req, res)).then((reply) => send(res, reply));
    // A viewer who goes in the middle is no error of anyone's.
    sent.catch(() => res.destroy());
  };
}

/** A request of `node:http`. */
class NodeAsked implements Asked {
  readonly #request: NodeIncoming;
  readonly #response: NodeOutgoing;

  constructor(request: NodeIncoming, response: NodeOutgoing) {
    this.#request = request;
    this.#response = response;
  }

  get method(): string {
    return this.#request.method ?? 'GET';
  }

  get url(): string {
    return this.#request.url ?? '/';
  }

  get isGone(): boolean {
    return this.#response.destroyed || this.#request.socket.destroyed;
  }

  whenGone(listener: () => void): () => void {
    const listeners = listenersOf(this.#request.httpVersionMajor > 1 ? this.#response : this.#request.socket);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  header(name: string): string | null {
    const value = this.#request.headers[name];
    return Array.isArray(value) ? value.join(', ') : (value ?? null);
  }
}

const listening = new WeakMap<NodeOutgoing | NodeSocket, Set<() => void>>();

/**
 * Who is to be told when a connection closes, or a response of HTTP/2. Responses of HTTP/1.1 that wait for those before them on their connection
 * are not told by Node.
 */
function listenersOf(closing: NodeOutgoing | NodeSocket): Set<() => void> {
  let listeners = listening.get(closing);
  if (listeners === undefined) {
    const all = new Set<() => void>();
    closing.once('close', () => {
      for (const listener of [...all]) listener();
    });
    listening.set(closing, all);
    listeners = all;
  }
  return listeners;
}

function send(response: NodeOutgoing, { status, headers, body }: Reply): void {
  if (response.destroyed) return;
  response.writeHead(status, headers);
  if (body === null) response.end();
  else response.end(body);
}

function isRequest(request: object): request is NodeIncoming {
  return 'rawHeaders' in request;
}

function isResponse(response: object): response is NodeOutgoing {
  return 'writeHead' in response;
}

type Context = ConstructorParameters<typeof NodeRequest>[0];
type NodeIncoming = Context['req'];
type NodeOutgoing = NonNullable<Context['res']>;
type NodeSocket = NodeIncoming['socket'];
