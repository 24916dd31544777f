// Deals with the fragments of a stream in a process of its own, tells its parent of each, and keeps its checkpoint in a file.
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { GetMediaConsumer, processFragments } from '../../../dist/client/index.js';

const [endpoint, file] = process.argv.slice(2);
const abort = new AbortController();
const consumer = new GetMediaConsumer({
  streamName: 'camera',
  clientConfig: { endpoint, region: 'local', credentials: { accessKeyId: 'any', secretAccessKey: 'any' } },
  start: { type: 'EARLIEST' },
  checkpointStore: {
    load: () => (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined),
    save(checkpoint) {
      writeFileSync(`${file}.new`, JSON.stringify(checkpoint));
      renameSync(`${file}.new`, file);
    },
  },
  signal: abort.signal,
});

// When nothing has come for a while, all has been dealt with.
let idle = setTimeout(() => {}, 0);
const handler = async ({ fragmentNumber }) => {
  clearTimeout(idle);
  await new Promise((resolve) => setTimeout(resolve, 20));
  process.send(fragmentNumber);
  idle = setTimeout(() => abort.abort(), 1500);
};
await processFragments(consumer, handler, { concurrency: 3 }).catch((error) => {
  if (!abort.signal.aborted) throw error;
});
process.disconnect();
