import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { PlaybackHandler } from '../hls/handler.js';
import { toNodeListener } from '../hls/node.js';
import type { LocalStream } from './local-stream.js';

/** How a session is played. */
export type PlaybackProtocol = 'HLS' | 'DASH';

/** Where sessions are answered. */
export const SESSION_PATHS: Readonly<Record<PlaybackProtocol, string>> = { HLS: '/hls/v1', DASH: '/dash/v1' };

/** The name of the token in the query. */
export const SESSION_PARAMETER = 'SessionToken';

/** A streaming session. */
export interface PlaybackSession {
  readonly protocol: PlaybackProtocol;
  readonly handler: PlaybackHandler;
  readonly stream: LocalStream;
  /** When it expires, in milliseconds since 1970. */
  readonly expires: number;
}

/** How many sessions are known, the newest. */
const MOST_SESSIONS = 10_000;

/** The streaming sessions that have been given out, by their tokens. */
export class PlaybackSessions {
  readonly #sessions = new Map<string, PlaybackSession>();

  /** A token that nobody guesses. */
  newToken(): string {
    return randomBytes(24).toString('base64url');
  }

  /** Opens a session. */
  add(token: string, session: PlaybackSession): void {
    const now = Date.now();
    for (const [each, { expires }] of this.#sessions) {
      if (this.#sessions.size < MOST_SESSIONS && expires > now) break;
      this.#sessions.delete(each);
    }
    this.#sessions.set(token, session);
  }

  /** Makes all sessions expire. */
  expire(): void {
    this.#sessions.clear();
  }

  /** Answers a request of a player; `false` where it is none. */
  answer(request: IncomingMessage, response: ServerResponse): boolean {
    const [path = '', query = ''] = (request.url ?? '').split('?', 2);
    const protocol = path.startsWith(`${SESSION_PATHS.HLS}/`)
      ? 'HLS'
      : path.startsWith(`${SESSION_PATHS.DASH}/`)
        ? 'DASH'
        : undefined;
    if (protocol === undefined) return false;
    const token = new URLSearchParams(query.slice(0, 4096)).get(SESSION_PARAMETER) ?? '';
    const session = this.#sessions.get(token);
    if (session === undefined || session.protocol !== protocol) refuse(response, 401, 'the session token is not valid');
    else if (session.expires <= Date.now()) refuse(response, 403, 'the session has expired');
    else if (session.stream.deleted) refuse(response, 404, 'the stream has been deleted');
    else toNodeListener(session.handler)(request, response);
    return true;
  }
}

function refuse(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' });
  response.end(`${text}\n`);
}
