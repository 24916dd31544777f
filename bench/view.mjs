/**
 * The inspector in Chromium: how soon the first fragment of 100 MB is shown and how soon all of it, how much memory the page and its worker
 * take, and how many pictures a second are drawn while tables of 20,000 fragments and their frames are scrolled. `npm run bench:view`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';
import { Mkv, writeElement, writeHeader, writeMaster } from '../dist/index.js';

const EXECUTABLES = ['chromium', 'chromium-browser', 'google-chrome'];
/** What is read: fragments, frames of each, bytes of each. */
const FILES = [
  ['200 fragments of 30 frames, 100 MB', 200, 30, 17_000],
  ['20,000 fragments of 10 frames, 90 MB', 20_000, 10, 400],
  ['500 fragments of 2,000 frames, 100 MB', 500, 2000, 185],
];
const SECONDS = 2;
/** What the page is opened with. */
const EMPTY = 'test/cases/alaw-only--alaw.mkv';

const folder = mkdtempSync(join(tmpdir(), 'kvs-bench-view-'));
const browser = await launch();
const rows = [];
try {
  for (const [name, ...shape] of FILES) {
    const path = join(folder, 'file.mkv');
    await writeFile(path, ...shape);
    rows.push({ file: name, ...(await measure(path, shape)) });
  }
} finally {
  await browser.close();
  rmSync(folder, { recursive: true });
}
console.table(rows);

async function launch() {
  for (const executablePath of EXECUTABLES) {
    const found = process.env.PATH?.split(':').map((part) => join(part, executablePath)) ?? [];
    for (const path of found) {
      const opened = await chromium
        .launch({ executablePath: path, args: ['--headless', '--no-sandbox', '--disable-gpu'] })
        .catch(() => undefined);
      if (opened !== undefined) return opened;
    }
  }
  throw new Error('chromium is not on PATH');
}

async function measure(path, [fragments]) {
  const kvs = spawn(process.execPath, ['dist/cli/main.js', 'view', EMPTY, '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const page = await browser.newPage({ viewport: { width: 1300, height: 900 } });
  try {
    const line = await createInterface(kvs.stdout)[Symbol.asyncIterator]().next();
    // As a file that is dropped: what is downloaded, the tool that drives the browser keeps as well.
    await page.goto(JSON.parse(line.value).page);
    const watch = sampleMemory(page);
    const begin = performance.now();
    await page.locator('.file input').first().setInputFiles(path);
    await page.waitForFunction(() => document.querySelector('.progress progress') !== null, undefined, { polling: 10 });
    const counted = (least) =>
      page.waitForFunction(
        (wanted) => {
          const text = document.querySelector('.axis .tools')?.textContent ?? '';
          return Number(/([\d\u2009]+) fragment/.exec(text)?.[1]?.replaceAll('\u2009', '')) >= wanted;
        },
        least,
        { timeout: 300_000, polling: 'raf' },
      );
    await counted(1);
    const first = performance.now() - begin;
    await counted(fragments);
    await page.waitForFunction(() => document.querySelector('.progress progress') === null, undefined, {
      timeout: 300_000,
    });
    const all = performance.now() - begin;
    const scrolled = {};
    for (const name of ['Fragments', 'Frames']) scrolled[name] = await scroll(page, name);
    return {
      'first fragment, s': (first / 1000).toFixed(2),
      'all, s': (all / 1000).toFixed(1),
      'at most, MB': Math.round((await watch.stop()) / 1e6),
      'fragments, pictures/s': scrolled.Fragments.rate,
      'longest wait, ms': scrolled.Fragments.longest,
      'frames, pictures/s': scrolled.Frames.rate,
    };
  } finally {
    await page.close();
    kvs.kill('SIGINT');
    await once(kvs, 'close');
  }
}

/** Scrolls through a table for some seconds; how many pictures a second had other rows in them than the ones before. */
async function scroll(page, name) {
  await page.getByRole('tab', { name }).click();
  await page.locator(`[aria-label="${name}"][role="grid"]`).waitFor();
  return page.evaluate(
    async ([label, seconds]) => {
      const grid = document.querySelector(`[aria-label="${label}"][role="grid"]`);
      const scrolls = (element) => element.scrollHeight > element.clientHeight + 100;
      const box = [grid, ...grid.querySelectorAll('*')].find(scrolls) ?? grid.parentElement;
      const step = Math.max(300, (box.scrollHeight - box.clientHeight) / (seconds * 200));
      const firstRow = () => grid.querySelector('[role="row"][data-index]')?.getAttribute('data-index');
      const begin = performance.now();
      let last = begin;
      let longest = 0;
      let drawn = 0;
      let before = firstRow();
      while (performance.now() - begin < seconds * 1000) {
        box.scrollTop = box.scrollTop + step > box.scrollHeight - box.clientHeight ? 0 : box.scrollTop + step;
        await new Promise((resolve) => requestAnimationFrame(resolve));
        const now = performance.now();
        longest = Math.max(longest, now - last);
        last = now;
        const row = firstRow();
        if (row !== before) drawn++;
        before = row;
      }
      return { rate: Math.round((drawn * 1000) / (last - begin)), longest: Math.round(longest) };
    },
    [name, SECONDS],
  );
}

/** Watches how much memory the processes have for themselves that show pages. */
function sampleMemory(page) {
  let most = 0;
  let isOver = false;
  const sampled = (async () => {
    const cdp = await page.context().browser().newBrowserCDPSession();
    while (!isOver) {
      const { processInfo } = await cdp.send('SystemInfo.getProcessInfo');
      // The page and its worker are one process, the largest; others wait for pages to come.
      for (const { type, id } of processInfo) {
        if (type !== 'renderer') continue;
        const status = readFileSync(`/proc/${id}/status`, 'utf8');
        const kilobytes = (key) => Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
        most = Math.max(most, (kilobytes('RssAnon') + kilobytes('RssShmem')) * 1024);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await cdp.detach();
  })();
  return {
    async stop() {
      isOver = true;
      await sampled;
      return most;
    },
  };
}

async function writeFile(path, fragments, frames, size) {
  const out = createWriteStream(path);
  for (let index = 0; index < fragments; index++) {
    if (!out.write(fragmentBytes(index, frames, size))) await once(out, 'drain');
  }
  await new Promise((resolve) => out.end(resolve));
}

function fragmentBytes(index, frames, size) {
  const start = index * 2000;
  const tag = (name, value) =>
    writeMaster(Mkv.Tag, [
      writeMaster(Mkv.SimpleTag, [writeElement(Mkv.TagName, name), writeElement(Mkv.TagString, value)]),
    ]);
  const blocks = Array.from({ length: frames }, (_, at) => {
    const data = new Uint8Array(4 + size);
    const time = Math.floor((at * 2000) / frames);
    data.set([0x81, time >> 8, time & 255, at === 0 ? 0x80 : 0]);
    return writeElement(Mkv.SimpleBlock, data);
  });
  const children = [
    writeMaster(Mkv.Tracks, [
      writeMaster(Mkv.TrackEntry, [
        writeElement(Mkv.TrackNumber, 1),
        writeElement(Mkv.TrackUID, 1n),
        writeElement(Mkv.TrackType, 1),
        writeElement(Mkv.CodecID, 'V_MJPEG'),
      ]),
    ]),
    writeMaster(Mkv.Tags, [
      tag('AWS_KINESISVIDEO_FRAGMENT_NUMBER', String(91343852333181432392682062607743920146159169392n + BigInt(index))),
      tag('AWS_KINESISVIDEO_SERVER_TIMESTAMP', `${1_700_000_000 + index * 2}.126`),
      tag('AWS_KINESISVIDEO_PRODUCER_TIMESTAMP', `${1_700_000_000 + index * 2}.000`),
    ]),
    writeMaster(Mkv.Cluster, [writeElement(Mkv.Timestamp, start), ...blocks]),
  ];
  const parts = [
    writeMaster(Mkv.EBML, [writeElement(Mkv.DocType, 'matroska')]),
    writeHeader(Mkv.Segment, undefined, { sizeLength: 8 }),
    ...children,
  ];
  return Buffer.concat(parts);
}
