// What consume.js does of GetMedia: its consumer alone is named, so that a bundler need not look at the other one.
import { GetMediaConsumer } from 'kvs-parser/client';

export async function consumeLive(endpoint) {
  const clientConfig = { region: 'local', endpoint, credentials: { accessKeyId: 'any', secretAccessKey: 'any' } };
  let consumed = 0;
  const live = new GetMediaConsumer({ streamName: 'camera', clientConfig, start: { type: 'EARLIEST' } });
  for await (const fragment of live) {
    consumed += fragment.frames.length;
    if (live.metrics.fragments === 8) break;
  }
  return { consumed };
}
