// A live consumer; and one of stored fragments, whose package of the SDK is not installed.
import { FragmentListConsumer } from 'kvs-parser/client';
import { consumeLive } from './live.js';

export async function consume(endpoint) {
  const clientConfig = { region: 'local', endpoint, credentials: { accessKeyId: 'any', secretAccessKey: 'any' } };
  let missing = 'nothing';
  try {
    const range = { type: 'SERVER_TIMESTAMP', from: new Date(0), to: new Date() };
    for await (const _ of new FragmentListConsumer({ streamName: 'camera', clientConfig, range }));
  } catch (error) {
    missing = error.message;
  }
  return { ...(await consumeLive(endpoint)), missing };
}
