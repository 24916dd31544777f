const { readFileSync } = require('node:fs');
const { StreamingMkvReader } = require('kvs-parser');

const reader = new StreamingMkvReader();
reader.push(readFileSync(process.env.RECORDING));
reader.end();
let elements = 0;
while (reader.nextIfAvailable() !== undefined) elements++;

// Every entry that the package has.
const { exports: entries } = require('kvs-parser/package.json');
const counts = Object.keys(entries).map((entry) => [entry, Object.keys(require(`kvs-parser${entry.slice(1)}`)).length]);
console.log(JSON.stringify({ elements, counts: Object.fromEntries(counts) }));
