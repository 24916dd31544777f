import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Fault, scriptedFaults } from '../../src/testing/faults.js';
import { type LocalKinesisVideo, startLocalKinesisVideo } from '../../src/testing/local-kinesis-video.js';
import { type BrowserSession, openBrowser } from '../support/browser.js';
import { describeNeeding, tools } from '../support/tools.js';
import { buildPage } from '../support/vite-bundle.js';
import { type Consumed, consumeLive, consumeStored } from './fixtures/consumer.js';

/** What the page has, bundled with Vite from the same source. */
interface PageGlobals {
  readonly consumeLive: typeof consumeLive;
  readonly consumeStored: typeof consumeStored;
}

const FACTS = JSON.parse(readFileSync('examples/recording/camera.json', 'utf8'));
const COUNT: number = FACTS.fragments.length;

describeNeeding('the consumers in headless Chromium', [tools('chromium')], () => {
  let local: LocalKinesisVideo;
  let session: BrowserSession;

  beforeAll(async () => {
    const recording = { source: 'examples/recording/camera.mkv', keepMetadata: true };
    // A stream for each test: the service limits the calls for one.
    local = await startLocalKinesisVideo({ streams: { live: recording, stored: recording, faulty: recording } });
    session = await openBrowser(await buildPage(fileURLToPath(new URL('fixtures/consumer.ts', import.meta.url))));
    await session.page.waitForFunction(() => 'consumeStored' in globalThis);
  });
  afterAll(async () => {
    await session?.close();
    await local?.close();
  });

  const liveInPage = (stream: string) =>
    session.page.evaluate(
      ([endpoint, name, count]) => (globalThis as unknown as PageGlobals).consumeLive(endpoint, name, count),
      [local.endpoint, stream, COUNT] as const,
    );

  function expectRecording({ fragments, sha256 }: Consumed): void {
    const expected = FACTS.fragments.map(
      (fragment: { fragmentNumber: string; frames: { count: number }[]; tags: unknown[] }) => ({
        number: fragment.fragmentNumber,
        frames: fragment.frames.reduce((sum, { count }) => sum + count, 0),
        tags: fragment.tags.length,
      }),
    );
    expect(fragments).toEqual(expected);
    expect(sha256).toBe(FACTS.allFramesSha256);
  }

  it('GetMediaConsumer reads all fragments, as it does in Node', async () => {
    const inPage = await liveInPage('live');
    expectRecording(inPage);
    expect(inPage).toEqual(await consumeLive(local.endpoint, 'live', COUNT));
    expect(inPage.reconnects).toEqual([]);
    expect(session.errors).toEqual([]);
  });

  it('FragmentListConsumer reads all fragments, as it does in Node', async () => {
    const inPage = await session.page.evaluate(
      (endpoint) => (globalThis as unknown as PageGlobals).consumeStored(endpoint, 'stored'),
      local.endpoint,
    );
    expectRecording(inPage);
    expect(inPage).toEqual(await consumeStored(local.endpoint, 'stored'));
    expect(session.errors).toEqual([]);
  });

  it('loses nothing over connections that are cut, fall silent and are refused', async () => {
    const mediaCalls = () => local.requests.filter(({ operation }) => operation === 'GetMedia').length;
    const before = mediaCalls();
    const faults: Fault[] = [
      { kind: 'cut', afterBytes: 60_000 },
      { kind: 'stall', afterBytes: 60_000 },
      { kind: 'error', type: 'ClientLimitExceededException' },
      { kind: 'expire-endpoint' },
    ];
    local.setFaults(
      scriptedFaults(faults.map((fault, i) => ({ operation: 'GetMedia', fromCall: before + i, faults: [fault] }))),
    );
    const inPage = await liveInPage('faulty');
    expectRecording(inPage);
    expect(mediaCalls() - before).toBe(5);
    // Each browser has its own word for a connection that breaks.
    expect(inPage.reconnects).toHaveLength(4);
    expect(inPage.reconnects.slice(1)).toEqual([
      'ReadTimeout',
      'ClientLimitExceededException',
      'InvalidEndpointException',
    ]);
    expect(local.violations).toEqual([]);
  });

  it('a stream that is not there is an error with the id of the request', async () => {
    const message = await session.page.evaluate(
      (endpoint) =>
        (globalThis as unknown as PageGlobals).consumeLive(endpoint, 'nowhere', 1).catch((error) => String(error)),
      local.endpoint,
    );
    expect(message).toContain('ResourceNotFoundException');
    expect(message).toContain(local.requests.at(-1)?.requestId);
  });
});
