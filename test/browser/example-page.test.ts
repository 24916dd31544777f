import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type BrowserSession, openBrowser } from '../support/browser.js';
import { describeNeeding, tools } from '../support/tools.js';

describeNeeding('the page in examples/browser', [tools('chromium')], () => {
  let server: ChildProcess;
  let session: BrowserSession;
  let address: string;

  beforeAll(async () => {
    const args = ['examples/browser/serve.mjs', 'examples/recording/camera.mkv', '0'];
    server = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = await once(server.stdout!, 'data');
    address = String(line).trim();
    session = await openBrowser({});
  });
  afterAll(async () => {
    await session?.close();
    server?.kill();
  });

  it('plays the recording while it comes, and lists its fragments', async () => {
    const { page } = session;
    await page.goto(address);
    const time = () => page.evaluate(() => document.querySelector('video')?.currentTime ?? 0);
    await expect.poll(time, { timeout: 20_000 }).toBeGreaterThan(1.5);
    const width = await page.evaluate(() => document.querySelector('video')?.videoWidth);
    expect(width).toBe(320);
    const text = await page.textContent('#fragments');
    expect(text).toMatch(/^video\/mp4; codecs="avc1/);
    expect(text).toMatch(/2024-05-01T12:00:0\d\.\d{3}Z \d+ bytes .*=/);
    // The rest of the recording has not come yet.
    expect(text?.split('\n').length).toBeLessThan(9);
    await page.click('#stop');
    expect(await page.evaluate(() => document.querySelector('video')?.getAttribute('src'))).toBe(null);
  });

  it('shows a thumbnail of each second and the level of the sound, while the recording comes', {
    timeout: 60_000,
  }, async () => {
    const { page } = session;
    await page.goto(`${address}/analytics.html`.replace(/([^:])\/\//, '$1/'));
    const captions = () =>
      page.evaluate(() => [...document.querySelectorAll('figcaption')].map((each) => each.textContent));
    await expect.poll(async () => (await captions()).length, { timeout: 20_000 }).toBeGreaterThanOrEqual(3);
    // The rest of the recording has not come yet.
    expect(await page.textContent('#state')).toBe('reading');
    const times = (await captions()).map((text) => Date.parse(text ?? ''));
    expect(times[0]).toBe(Date.parse('2024-05-01T12:00:00.250Z'));
    expect(Math.round((times[1]! - times[0]!) / 100)).toBe(10);
    const loaded = () => page.evaluate(() => [...document.images].filter((image) => image.naturalWidth === 160).length);
    await expect.poll(loaded).toBeGreaterThanOrEqual(3);
    const level = await page.evaluate(() => document.querySelector('meter')?.value ?? -60);
    expect(level).toBeGreaterThan(-50);
    expect(level).toBeLessThan(0);
  });

  it('plays a camera with little delay, by HLS and by MsePlayer', { timeout: 60_000 }, async () => {
    const { page } = session;
    await page.goto(`${address}/low-latency.html`.replace(/([^:])\/\//, '$1/'));
    for (const name of ['hls', 'mse']) {
      const delay = async () => Number.parseFloat((await page.textContent(`#${name}-delay`)) || 'NaN');
      await expect.poll(delay, { timeout: 30_000 }).toBeGreaterThan(0);
      const time = () =>
        page.evaluate((id) => document.querySelector<HTMLVideoElement>(`#${id}`)?.currentTime ?? 0, name);
      const before = await time();
      await expect.poll(time, { timeout: 20_000 }).toBeGreaterThan(before + 2);
      console.log(`${name}: ${await delay()} s behind`);
    }
  });

  it('without errors', () => {
    expect(session.errors).toEqual([]);
  });
});
