import { startLocalKinesisVideo } from 'kvs-parser/testing';

export async function use(): Promise<string> {
  const local = await startLocalKinesisVideo({ streams: { camera: { source: 'camera.mkv' } } });
  await local.close();
  // @ts-expect-error there is no such property
  local.nothing;
  return local.endpoint;
}
