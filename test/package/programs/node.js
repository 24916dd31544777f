import { readFileSync } from 'node:fs';
import { consume } from './consume.js';
import { read } from './story.js';

const { ENDPOINT, RECORDING } = process.env;
console.log(JSON.stringify({ ...(await read(new Uint8Array(readFileSync(RECORDING)))), ...(await consume(ENDPOINT)) }));
process.exit(0);
