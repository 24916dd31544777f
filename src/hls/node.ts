/**
 * Serves a `Packager` with `node:http`.
 *
 * @module kvs-parser/hls/node
 */
import { FastResponse, NodeRequest, sendNodeResponse } from 'srvx/node';
import type { PlaybackHandler } from './handler.js';

/** A listener for `createServer` of `node:http`. */
export type NodeListener = (request: object, response: object) => void;

/**
 * Makes a listener for `node:http` of a handler: what it answers goes out as it lies in memory, with the connection's back-pressure, and a
 * viewer who goes ends the request.
 *
 * ```ts
 * createServer(toNodeListener(packager.handler)).listen(8080);
 * ```
 */
export function toNodeListener(handler: PlaybackHandler): NodeListener {
  return (req, res) => {
    if (!isRequest(req) || !isResponse(res)) throw new TypeError('these are no request and response of node:http');
    const request = new NodeRequest({ req, res });
    // A viewer who goes in the middle is no error of anyone's.
    void handler(request, FastResponse)
      .then((response) => sendNodeResponse(res, response))
      .catch(() => res.destroy());
  };
}

function isRequest(request: object): request is Context['req'] {
  return 'rawHeaders' in request;
}

function isResponse(response: object): response is NonNullable<Context['res']> {
  return 'writeHead' in response;
}

type Context = ConstructorParameters<typeof NodeRequest>[0];
