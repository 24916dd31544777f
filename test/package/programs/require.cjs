const { readFileSync } = require('node:fs');
const { StreamingMkvReader } = require('kvs-parser');
const { Mp4Remuxer } = require('kvs-parser/mp4');
const { GetMediaConsumer } = require('kvs-parser/client');
const { readPictures } = require('kvs-parser/decode');

const reader = new StreamingMkvReader();
reader.push(readFileSync(process.env.RECORDING));
reader.end();
let elements = 0;
while (reader.nextIfAvailable() !== undefined) elements++;
console.log(JSON.stringify({ elements, kinds: [Mp4Remuxer, GetMediaConsumer, readPictures].map((it) => typeof it) }));
