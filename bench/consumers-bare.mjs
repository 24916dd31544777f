// What Node's HTTP client makes by itself: it reads the streams that the consumers have read, and throws the bytes away.
//
// Argument: JSON { endpoint, streams, seconds, warmUp }. Message to the parent: { bare: { bytes, cpuSeconds, seconds } }.
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

const { endpoint, streams: count, seconds, warmUp } = JSON.parse(process.argv[2]);
const agent = new Agent({ keepAlive: true });
let bytes = 0;
const responses = Array.from({ length: count }, (_, i) => read(`camera-${i}`));
await Promise.race([sleep(warmUp * 1000), failure()]);
const before = look();
await Promise.race([sleep(seconds * 1000), failure()]);
const after = look();
const { user, system } = after.cpu;
process.send({
  bare: {
    bytes: after.bytes - before.bytes,
    cpuSeconds: (user + system - before.cpu.user - before.cpu.system) / 1e6,
    seconds: (after.time - before.time) / 1000,
  },
});
process.exit();

function read(streamName) {
  return new Promise((_, reject) => {
    const call = request(`${endpoint}/getMedia`, {
      method: 'POST',
      agent,
      headers: { 'content-type': 'application/json' },
    });
    call.on('error', reject);
    call.on('response', (response) => {
      if (response.statusCode !== 200) reject(new Error(`status ${response.statusCode}`));
      response.on('data', (chunk) => {
        bytes += chunk.length;
      });
      response.on('error', reject);
      response.on('end', () => reject(new Error('a body has ended')));
    });
    call.end(JSON.stringify({ StreamName: streamName, StartSelector: { StartSelectorType: 'NOW' } }));
  });
}

function failure() {
  return Promise.all(responses);
}

function look() {
  return { bytes, cpu: process.cpuUsage(), time: Date.now() };
}
