import { readFileSync } from 'node:fs';
import { consumeLive } from './live.js';
import { read } from './story.js';

const { ENDPOINT, RECORDING } = process.env;

// In a function: not every output of a bundler has await outside of one.
async function main() {
  const facts = await read(new Uint8Array(readFileSync(RECORDING)));
  console.log(JSON.stringify({ ...facts, ...(await consumeLive(ENDPOINT)) }));
  process.exit(0);
}
void main();
