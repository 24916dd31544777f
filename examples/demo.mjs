// The whole story on one machine, with no AWS account: `node examples/demo.mjs [FOLDER]`. A camera's recording is sent in real time by a
// local Kinesis Video endpoint; a consumer reads it through the AWS SDK, survives a cut connection, and leaves an MKV and an MP4.
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { segmentMergerStream } from 'kvs-parser';
import { GetMediaConsumer } from 'kvs-parser/client';
import { remuxToMp4 } from 'kvs-parser/mp4';
import { scriptedFaults, startLocalKinesisVideo } from 'kvs-parser/testing';

const folder = process.argv[2] ?? (await mkdtemp(join(tmpdir(), 'kvs-parser-demo-')));
await mkdir(folder, { recursive: true });
const recording = fileURLToPath(new URL('recording/camera.mkv', import.meta.url));
const fragmentsOfRecording = 8;

const local = await startLocalKinesisVideo({
  streams: { door: { source: recording, realtime: true } },
  faults: scriptedFaults([{ operation: 'GetMedia', faults: [{ kind: 'cut', afterBytes: 100_000 }] }]),
});
console.log(`A camera is sending to the stream "door" at ${local.endpoint}\n`);

const consumer = new GetMediaConsumer({
  streamName: 'door',
  clientConfig: {
    endpoint: local.endpoint,
    region: 'local',
    credentials: { accessKeyId: 'any', secretAccessKey: 'any' },
  },
  start: { type: 'EARLIEST' },
  onReconnect: ({ reason, error }) => console.log(`  the connection ended (${error?.message ?? reason}); going on`),
});

const received = [];
let fragments = 0;
for await (const { fragment, bytes } of consumer.documents()) {
  received.push(...bytes);
  fragments++;
  const size = fragment.frames.reduce((sum, frame) => sum + frame.size, 0);
  const delay = Date.now() - fragment.producerTimestamp.getTime();
  const tags = fragment.tags.map(({ name, value }) => `${name}=${value}`).join(' ');
  console.log(
    `…${fragment.fragmentNumber.slice(-12)}  began ${(delay / 1000).toFixed(1)} s ago  ${fragment.frames.length} frames  ${size} bytes  ${tags}`,
  );
  if (fragments === fragmentsOfRecording) break;
}
const { frames, reconnects } = consumer.metrics;
await local.close();
console.log(`\n${fragments} fragments, ${frames} frames over ${reconnects + 1} connections`);

const mkv = join(folder, 'door.mkv');
const merging = segmentMergerStream();
await pipeline(Readable.fromWeb(new Blob(received).stream().pipeThrough(merging)), createWriteStream(mkv));
console.log(`${mkv}: ${merging.merger.counters.documentsOut} document of ${merging.merger.counters.clusters} clusters`);

const mp4 = join(folder, 'door.mp4');
const file = createWriteStream(mp4);
try {
  const { duration, mimeType } = await remuxToMp4(received, (bytes) => {
    if (!file.write(bytes)) return new Promise((resolve) => file.once('drain', resolve));
  });
  await new Promise((resolve, reject) => file.once('error', reject).end(resolve));
  console.log(`${mp4}: ${(duration / 1e6).toFixed(1)} s, ${mimeType}`);
} catch (error) {
  await rm(mp4, { force: true });
  throw error;
}
