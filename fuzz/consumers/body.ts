import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Choices } from '../input.js';
import type { Fault } from './faults.js';
import { Id } from './matroska.js';

/** Sends a body in pieces of random sizes, with what a fault does to the connection. Resolves when nothing more will be sent. */
export async function sendBody(
  response: ServerResponse,
  documents: readonly Buffer[],
  c: Choices,
  fault: Fault | undefined,
): Promise<void> {
  const body = Buffer.concat(documents);
  if (fault?.kind === 'flip' && body.length > 0) {
    const at = fault.inHead ? placeInHead(documents, fault.at) : fault.at % body.length;
    body[at] = (body[at] ?? 0) ^ fault.mask;
  }
  const stops = fault?.kind === 'cut' || fault?.kind === 'end' || fault?.kind === 'stall';
  const end = stops ? Math.min(fault.at, body.length) : body.length;
  const largest = c.pick([16, 300, 2000, 100_000]);
  let slow = fault?.kind === 'slow' ? 40 : 0;
  for (let at = 0; at < end && !response.destroyed; ) {
    const crawl = slow > 0 && fault?.kind === 'slow' && at >= fault.at;
    const length = crawl ? 1 : 1 + c.below(largest);
    const room = response.write(body.subarray(at, Math.min(end, at + length)));
    at += length;
    if (crawl) slow--;
    if (crawl || !room) await sleep(room ? 0 : 1);
  }
  if (fault?.kind === 'cut') {
    // What was written is to arrive before the reset.
    await sleep(1);
    response.destroy();
  } else if (fault?.kind !== 'stall') {
    response.end();
  } else if (end === 0) {
    response.flushHeaders();
  }
}

/** A byte of the body that stands before the Cluster of one of its documents. */
function placeInHead(documents: readonly Buffer[], at: number): number {
  const place = at % documents.length;
  const before = documents.slice(0, place).reduce((sum, { length }) => sum + length, 0);
  const document = documents[place] ?? Buffer.alloc(1);
  const cluster = document.indexOf(Buffer.from(Id.Cluster, 'hex'));
  return before + (at % (cluster > 0 ? cluster : document.length));
}
