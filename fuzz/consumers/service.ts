import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** Answers the calls of one stream. */
export interface CallHandler {
  /**
   * @param path what follows the stream's own part of the URL: an operation, or the place of an endpoint and an operation
   * @param input the call's parameters
   */
  handle(path: readonly string[], input: unknown, request: IncomingMessage, response: ServerResponse): Promise<void>;
}

/** An HTTP server with as many streams behind it as run at once, each below a path of its own. */
export class FakeService {
  readonly #server: Server;
  readonly #handlers = new Map<string, CallHandler>();
  readonly #sockets = new Map<string, Set<Socket>>();
  #port = 0;

  constructor() {
    this.#server = createServer((request, response) => void this.#answer(request, response));
    this.#server.keepAliveTimeout = 0;
    this.#server.requestTimeout = 0;
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  /** Takes a stream in; its control plane is at the URL that is returned. */
  add(name: string, handler: CallHandler): string {
    this.#handlers.set(name, handler);
    this.#sockets.set(name, new Set());
    return `http://127.0.0.1:${this.#port}/${name}`;
  }

  /** How many connections there are to a stream. */
  connections(name: string): number {
    return this.#sockets.get(name)?.size ?? 0;
  }

  remove(name: string): void {
    for (const socket of this.#sockets.get(name) ?? []) socket.destroy();
    this.#handlers.delete(name);
    this.#sockets.delete(name);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [name = '', ...path] = (request.url ?? '').split('/').filter((part) => part !== '');
    const { socket } = request;
    const sockets = this.#sockets.get(name);
    if (sockets !== undefined && !sockets.has(socket)) {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    }
    response.on('error', () => {});
    try {
      const input = await readJson(request);
      const handler = this.#handlers.get(name);
      if (handler === undefined) response.writeHead(404).end();
      else await handler.handle(path, input, request, response);
    } catch {
      // The client has gone.
      socket.destroy();
    }
  }
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  return text === '' ? {} : JSON.parse(text);
}
