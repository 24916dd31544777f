import type { Server } from 'node:http';
import { SelfContainedError } from './command.js';
import { reasonOf } from './system-error.js';

/** The error of a port that cannot be listened at. */
export function cannotListen(port: number, host: string, error: unknown): SelfContainedError {
  const text = reasonOf(error);
  return new SelfContainedError(`cannot listen on ${port === 0 ? host : `port ${port} of ${host}`}: ${text}`, {
    cause: error,
  });
}

/**
 * Has a server listen.
 *
 * @param port 0: any that is free
 * @returns its URL, without a path
 */
export async function listen(server: Server, port: number, host: string): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  }).catch((error: unknown) => {
    throw cannotListen(port, host, error);
  });
  const address = server.address();
  const taken = typeof address === 'object' && address !== null ? address.port : port;
  return `http://${host.includes(':') ? `[${host}]` : host}:${taken}`;
}
