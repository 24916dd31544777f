import { GetMediaConsumer } from 'kvs-parser/client';
import { read } from './story.js';

const response = await fetch('/camera.mkv');
const result = await read(new Uint8Array(await response.arrayBuffer()));
globalThis.result = JSON.stringify({ ...result, consumer: typeof GetMediaConsumer });
