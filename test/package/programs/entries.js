// The entries beside those of story.js, each used a little; for Node and bundles for Node.
import { FragmentListConsumer } from 'kvs-parser/client';
import { PeerError, StreamFleet } from 'kvs-parser/fleet';
import { toNodeListener } from 'kvs-parser/hls/node';
import { startLocalKinesisVideo } from 'kvs-parser/testing';
import { consumeLive } from './live.js';

async function main() {
  // Its optional package is not installed.
  const fleet = new StreamFleet({ redis: 'redis://127.0.0.1:1' });
  const queue = await fleet.list().catch((error) => [error instanceof PeerError, error.code]);

  const local = await startLocalKinesisVideo({ streams: { camera: { source: process.env.RECORDING } } });
  const { consumed } = await consumeLive(local.endpoint);
  await local.close();

  const kinds = [FragmentListConsumer, toNodeListener].map((one) => typeof one);
  console.log(JSON.stringify({ queue, consumed, kinds }));
  process.exit(0);
}
void main();
