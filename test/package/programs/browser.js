import { GetMediaConsumer } from 'kvs-parser/client';
import { read } from './story.js';

// In a function: not every output of a bundler has await outside of one.
async function main() {
  const response = await fetch('/camera.mkv');
  const result = await read(new Uint8Array(await response.arrayBuffer()));
  globalThis.result = JSON.stringify({ ...result, consumer: typeof GetMediaConsumer });
}
void main();
