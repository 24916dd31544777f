/** A worker of fleet-chaos.mjs. Argument: JSON { redis, consumer, lockMs, name, log, maxStreams, maxParts, handlerMs }. */
import { openSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { FleetWorker } from '../dist/fleet/index.js';

const { log, handlerMs = 0, ...options } = JSON.parse(process.argv[2]);
// The endpoint's faults make credentials expire.
let issued = 0;
options.consumer.clientConfig.credentials = async () => ({
  accessKeyId: `KEY${process.pid}x${++issued}`,
  secretAccessKey: 'any',
});
const file = openSync(log, 'a');
const worker = new FleetWorker({
  ...options,
  handler: async ({ fragmentNumber, frames }, { stream, kind }) => {
    // One line in one write: lines of several processes do not mix.
    writeSync(file, `${JSON.stringify([stream.streamName, fragmentNumber, options.name, frames.length, kind])}\n`);
    if (handlerMs > 0) await sleep(handlerMs);
    return frames.length;
  },
  onEvent: (event) => process.send?.(event),
});
process.on('message', (message) => {
  if (message === 'health') process.send({ type: 'health', health: worker.health() });
});
await worker.start();
process.send?.({ type: 'started' });
process.on('disconnect', () => process.exit());
// The channel to the parent is no reason to stay.
process.channel?.unref();
