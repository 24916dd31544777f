// A live consumer; and one of stored fragments, whose package of the SDK is not installed.
import { FragmentListConsumer, GetMediaConsumer } from 'kvs-parser/client';

export async function consume(endpoint) {
  const clientConfig = { region: 'local', endpoint, credentials: { accessKeyId: 'any', secretAccessKey: 'any' } };
  let consumed = 0;
  const live = new GetMediaConsumer({ streamName: 'camera', clientConfig, start: { type: 'EARLIEST' } });
  for await (const fragment of live) {
    consumed += fragment.frames.length;
    if (live.metrics.fragments === 8) break;
  }
  let missing = 'nothing';
  try {
    const range = { type: 'SERVER_TIMESTAMP', from: new Date(0), to: new Date() };
    for await (const _ of new FragmentListConsumer({ streamName: 'camera', clientConfig, range }));
  } catch (error) {
    missing = error.message;
  }
  return { consumed, missing };
}
