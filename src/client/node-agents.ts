import { nodeModule } from '../mkv/node-module.js';
import { type PausableSocket, ReadTurns } from './read-turns.js';

/** The part of a socket of Node that is used. */
interface Socket extends PausableSocket {
  emit(event: 'data', chunk: Uint8Array): boolean;
}

/** The part of an agent of `node:http` and `node:https` that is used. */
interface Agent {
  createConnection?: unknown;
  destroy(): void;
}

/** Agents for a request handler of the AWS SDK. */
export interface Agents {
  readonly httpAgent: Agent;
  readonly httpsAgent: Agent;
}

/** How much is read from a socket at once. Larger reads make fewer pieces, so that fewer frames have to be put together. */
const READ_SIZE = 256 * 1024;

/** What all sockets of {@link openAgents} read into, one after the other; Node's HTTP parser copies what is of a body. */
let shared: Bytes | undefined;

/** Shares the turns of the event loop among all these sockets. */
let turns: ReadTurns | undefined;

/** Sockets whose reads go through {@link shared}: pieces of a body are copies that Node's parser has made for their listener alone. */
const sockets = new WeakSet<object>();

/** Node's parser has given a view of what it was given: it has to be given a copy. */
let parserKeeps = false;

type Bytes = Uint8Array<ArrayBuffer>;
type Class = new (...args: never) => object;

/**
 * Agents of Node whose sockets all read into one buffer: else Node makes one of 64 KiB for each read, whose bytes its HTTP parser copies,
 * and the garbage collector has twice as much to do. They open as many connections as are asked for. `undefined` where the runtime has
 * no such modules.
 */
export function openAgents(): Agents | undefined {
  const httpAgent = openAgent('node:http');
  const httpsAgent = openAgent('node:https');
  return httpAgent === undefined || httpsAgent === undefined ? undefined : { httpAgent, httpsAgent };
}

/** Bytes of a body that nothing writes to, whatever Node's HTTP parser does with those that it is given. */
export function ownedChunk(chunk: Uint8Array): Uint8Array {
  if (shared === undefined || chunk.buffer !== shared.buffer) return chunk;
  parserKeeps = true;
  return chunk.slice();
}

/** Whether a socket is one of {@link openAgents}: the pieces of its bodies have memory of their own, which only their listeners have. */
export function isOwnSocket(socket: object | undefined): boolean {
  return socket !== undefined && sockets.has(socket);
}

function openAgent(name: 'node:http' | 'node:https'): Agent | undefined {
  const Agent = classOf(nodeModule(name), 'Agent');
  const Buffer = classOf(nodeModule('node:buffer'), 'Buffer');
  if (Agent === undefined || Buffer === undefined) return undefined;
  const agent: Agent = Reflect.construct(Agent, [{ keepAlive: true }]);
  const connect = agent.createConnection;
  if (typeof connect !== 'function' || !isNode()) return agent;
  agent.createConnection = (options: object, done: unknown): Socket => {
    const buffer = sharedBuffer(Buffer);
    turns ??= new ReadTurns(setImmediate);
    const shares = turns;
    let socket: Socket | undefined;
    const callback = (length: number, read: Uint8Array) => {
      const chunk = read.subarray(0, length);
      if (socket === undefined) return true;
      socket.emit('data', parserKeeps ? Reflect.construct(Buffer, [chunk]) : chunk);
      return shares.goesOn(socket, length);
    };
    socket = connect.call(agent, { ...options, onread: { buffer, callback } }, done) as Socket;
    sockets.add(socket);
    return socket;
  };
  return agent;
}

function sharedBuffer(Buffer: Class): Bytes {
  shared ??= Reflect.get(Buffer, 'allocUnsafeSlow').call(Buffer, READ_SIZE) as Bytes;
  return shared;
}

function classOf(module: unknown, name: string): Class | undefined {
  if (typeof module !== 'object' || module === null) return undefined;
  const found: unknown = Reflect.get(module, name);
  return isClass(found) ? found : undefined;
}

function isClass(value: unknown): value is Class {
  return typeof value === 'function';
}

/** Whether the sockets are Node's own; other runtimes have its modules as well, and sockets of their own. */
function isNode(): boolean {
  const versions = Reflect.get(Reflect.get(globalThis, 'process') ?? {}, 'versions');
  return typeof versions === 'object' && versions !== null && !('bun' in versions) && !('deno' in versions);
}
