import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeGetMediaFragment } from '../../src/testing/get-media-writer.js';
import { startLocalKinesisVideo } from '../../src/testing/local-kinesis-video.js';
import { type BrowserSession, openBrowser } from '../support/browser.js';
import { noise } from '../support/bytes.js';
import { fragmentInput } from '../support/kvs-documents.js';
import { describeNeeding, tools } from '../support/tools.js';
import { startView } from '../support/view-command.js';

const RECORDING = 'examples/recording/camera.mkv';

/** A file of 100 MB: 200 fragments of 30 frames. */
async function writeLargeFile(path: string): Promise<void> {
  const out = createWriteStream(path);
  const data = noise(17_000, 1);
  for (let index = 0; index < 200; index++) {
    const start = Number(fragmentInput(index).timestamp);
    const blocks = Array.from({ length: 30 }, (_, at) => ({
      track: 1,
      timestamp: start + at * 66_000,
      keyframe: at === 0,
      frames: [data],
    }));
    if (!out.write(writeGetMediaFragment(fragmentInput(index, { blocks })))) await once(out, 'drain');
  }
  await new Promise((resolve) => out.end(resolve));
}

/** Memory that the process of the page and its worker has for itself, in bytes: the largest of those that show pages. */
async function rendererMemory(page: Page): Promise<number> {
  const browser = await page.context().browser()?.newBrowserCDPSession();
  const { processInfo } = (await browser?.send('SystemInfo.getProcessInfo')) ?? { processInfo: [] };
  await browser?.detach();
  const pages = processInfo.filter(({ type }) => type === 'renderer');
  if (pages.length === 0) throw new Error('no process shows a page');
  const sizes = pages.map(({ id }) => {
    const status = readFileSync(`/proc/${id}/status`, 'utf8');
    const kilobytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
    return (kilobytes('RssAnon') + kilobytes('RssShmem')) * 1024;
  });
  return Math.max(...sizes);
}

describeNeeding('kvs view in Chromium', [tools('chromium')], () => {
  let session: BrowserSession;
  let page: Page;
  const children: ChildProcess[] = [];
  const folder = mkdtempSync(join(tmpdir(), 'kvs-view-'));

  beforeAll(async () => {
    session = await openBrowser({});
    page = session.page;
  });

  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    await session.close();
    rmSync(folder, { recursive: true });
  });

  /** Starts `kvs view`; gives the address of its page. */
  async function serve(...words: string[]): Promise<string> {
    const { child, page: address } = await startView(words);
    children.push(child);
    return address;
  }

  /** How many fragments and frames the page says that there are. */
  async function counts(): Promise<{ fragments: number; frames: number }> {
    const text = (await page.locator('.axis .tools').textContent())?.replaceAll('\u2009', '') ?? '';
    const [, fragments, frames] = /(\d+) fragments?, (\d+) frames?/.exec(text) ?? [];
    return { fragments: Number(fragments), frames: Number(frames) };
  }

  it('shows a file under its own policy, and offers the others', async () => {
    await page.goto(await serve(RECORDING, 'test/cases/connect-5.mkv'));
    await expect.poll(counts, { timeout: 20_000 }).toEqual({ fragments: 8, frames: expect.any(Number) });
    expect(await page.locator('body').textContent()).toContain('connect-5.mkv');
    // What the policy forbids is told as an error.
    expect(session.errors).toEqual([]);
  });

  it('shows a stream as it grows', async () => {
    const camera = { source: RECORDING, realtime: true, loop: true, speed: 8 };
    const server = await startLocalKinesisVideo({ streams: { camera } });
    try {
      await page.goto(await serve('--stream', 'camera', '--endpoint', server.endpoint));
      await expect.poll(async () => (await counts()).fragments, { timeout: 20_000 }).toBeGreaterThan(1);
      const before = await counts();
      await expect
        .poll(async () => (await counts()).fragments, { timeout: 20_000 })
        .toBeGreaterThan(before.fragments + 2);
      expect(session.errors).toEqual([]);
    } finally {
      await page.goto('about:blank');
      await server.close();
    }
  });

  it('opens 100 MB, and never holds more than 400 MB', async () => {
    const path = join(folder, 'large.mkv');
    await writeLargeFile(path);
    await page.goto(await serve(path));
    let most = 0;
    await expect
      .poll(
        async () => {
          most = Math.max(most, await rendererMemory(page));
          return counts();
        },
        { timeout: 60_000, interval: 50 },
      )
      .toEqual({ fragments: 200, frames: 6000 });
    expect(most).toBeLessThan(400e6);
    expect(session.errors).toEqual([]);
  });
});
