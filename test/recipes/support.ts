import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LocalKinesisVideo, startLocalKinesisVideo } from '../../src/testing/index.js';

export const RECORDING = 'examples/recording/camera.mkv';

/** What the recording has. */
export const FRAGMENTS = 8;

/** A local endpoint whose stream `door` has the recording, as recorded just now. */
export function startDoor(): Promise<LocalKinesisVideo> {
  return startLocalKinesisVideo({ streams: { door: { source: RECORDING } }, idleTimeoutMs: 100 });
}

/** What the AWS SDK's clients need to find a local endpoint. */
export function clientConfigOf({ endpoint }: LocalKinesisVideo) {
  return { endpoint, region: 'local', credentials: { accessKeyId: 'any', secretAccessKey: 'any' } };
}

/** Calls `use` with a new folder, which is removed afterwards. */
export async function withFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'kvs-parser-recipe-'));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
