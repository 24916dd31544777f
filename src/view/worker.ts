import type { FromWorker, ToWorker } from './protocol.js';
import { WorkerSession } from './worker-session.js';

/** The part of a worker's scope that is used: the DOM library has the page's only. */
interface WorkerScope {
  postMessage(message: FromWorker, transfer: Transferable[]): void;
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
}

/** Runs the worker in its scope: the module of the page's Web Worker calls it. */
export function startWorker(scope: WorkerScope): void {
  const session = new WorkerSession(scope);
  scope.onmessage = ({ data }) => session.take(data);
}

// In a worker, which Node is not, this module is its own start.
const scope: object = globalThis;
if ('DedicatedWorkerGlobalScope' in scope && isWorkerScope(scope)) startWorker(scope);

function isWorkerScope(scope: object): scope is WorkerScope {
  return 'postMessage' in scope && 'onmessage' in scope;
}
