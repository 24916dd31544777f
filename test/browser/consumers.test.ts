import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readFragments } from '../../src/fragments/read.js';
import { scriptedFaults } from '../../src/testing/faults.js';
import { type LocalKinesisVideo, startLocalKinesisVideo } from '../../src/testing/local-kinesis-video.js';
import { type BrowserSession, bundleForBrowser, openBrowser } from '../support/browser.js';
import { describeNeeding, tools } from '../support/tools.js';
import { RECORDING } from '../testing/support.js';

/** In the page: what the consumers give, as numbers of fragments and hashes of frames. */
const PAGE = `
import { FragmentListConsumer, GetMediaConsumer } from './src/client/index.ts';

async function hash(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

async function gather(consumer, count) {
  const found = { fragments: [], hashes: [] };
  for await (const fragment of consumer) {
    found.fragments.push(fragment.fragmentNumber);
    for (const frame of fragment.frames) found.hashes.push(await hash(frame.data));
    if (found.fragments.length === count) break;
  }
  return found;
}

const access = (endpoint) => ({
  streamName: 'camera',
  clientConfig: { endpoint, region: 'us-east-1', credentials: { accessKeyId: 'any', secretAccessKey: 'any' } },
});

export async function live(endpoint, count) {
  const reasons = [];
  const consumer = new GetMediaConsumer({
    ...access(endpoint),
    start: { type: 'EARLIEST' },
    readTimeoutMs: 2000,
    onReconnect: ({ reason, error }) => reasons.push(error?.code ?? reason),
  });
  return { ...(await gather(consumer, count)), reasons };
}

export async function stored(endpoint) {
  const range = { type: 'PRODUCER_TIMESTAMP', from: new Date(0), to: new Date() };
  return gather(new FragmentListConsumer({ ...access(endpoint), range }));
}

export async function failing(endpoint) {
  const consumer = new GetMediaConsumer({ ...access(endpoint), streamName: 'nothing' });
  return gather(consumer).catch((error) => ({ code: error.code, message: error.message }));
}
`;

interface Gathered {
  readonly fragments: string[];
  readonly hashes: string[];
}

declare global {
  interface Window {
    consumers: {
      live(endpoint: string, count: number): Promise<Gathered & { reasons: string[] }>;
      stored(endpoint: string): Promise<Gathered>;
      failing(endpoint: string): Promise<{ code: string; message: string }>;
    };
  }
}

describeNeeding('the consumers in Chromium, with the AWS SDK', [tools('chromium')], () => {
  let session: BrowserSession;
  let server: LocalKinesisVideo;
  const hashes: string[] = [];

  beforeAll(async () => {
    server = await startLocalKinesisVideo({ idleTimeoutMs: 100, streams: { camera: { source: RECORDING } } });
    for await (const { frames } of readFragments(readFileSync(RECORDING))) {
      for (const { data } of frames) hashes.push(createHash('sha256').update(data).digest('hex'));
    }
    const code = `${PAGE}\nwindow.consumers = { live, stored, failing };`;
    const script = { type: 'text/javascript', body: await bundleForBrowser(code) };
    session = await openBrowser({
      '/': { type: 'text/html', body: '<!doctype html><script type="module" src="/page.js"></script>' },
      '/page.js': script,
    });
    await session.page.waitForFunction(() => 'consumers' in window);
  });

  afterAll(async () => {
    await session?.close();
    await server?.close();
  });

  const numbers = () => server.stream('camera').fragments.map(({ fragmentNumber }) => fragmentNumber);

  it('give every fragment once, in order, over connections that are cut, fall silent and are refused', async () => {
    server.setFaults(
      scriptedFaults([
        { operation: 'GetMedia', fromCall: 0, faults: [{ kind: 'cut', afterBytes: 40_000 }] },
        { operation: 'GetMedia', fromCall: 1, faults: [{ kind: 'stall', afterBytes: 40_000 }] },
        { operation: 'GetMedia', fromCall: 2, faults: [{ kind: 'error', type: 'ClientLimitExceededException' }] },
        { operation: 'GetMedia', fromCall: 3, faults: [{ kind: 'expire-endpoint' }] },
      ]),
    );
    const { fragments, reasons, ...found } = await session.page.evaluate(
      ([endpoint, count]) => window.consumers.live(endpoint, count),
      [server.endpoint, numbers().length] as const,
    );
    server.setFaults(() => []);
    expect(fragments).toEqual(numbers());
    expect(found.hashes).toEqual(hashes);
    expect(reasons.slice(1)).toEqual(['ReadTimeout', 'ClientLimitExceededException', 'InvalidEndpointException']);
    expect(server.violations).toEqual([]);
  });

  it('give stored fragments, and the service’s errors', async () => {
    const found = await session.page.evaluate((endpoint) => window.consumers.stored(endpoint), server.endpoint);
    expect(found).toEqual({ fragments: numbers(), hashes });
    const error = await session.page.evaluate((endpoint) => window.consumers.failing(endpoint), server.endpoint);
    expect(error.code).toBe('ResourceNotFoundException');
    expect(error.message).toContain(String(server.requests.at(-1)?.requestId));
  });
});
