import { readFileSync } from 'node:fs';
import { consumeLive } from './live.js';
import { read } from './story.js';

const { ENDPOINT, RECORDING } = process.env;
console.log(
  JSON.stringify({ ...(await read(new Uint8Array(readFileSync(RECORDING)))), ...(await consumeLive(ENDPOINT)) }),
);
process.exit(0);
