// Takes the pictures of the inspector for README and docs: npm run screenshots. Needs Chromium and a build.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import sharp from 'sharp';
import { readDocuments } from '../dist/index.js';

const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'kvs-screenshots-'));
const images = path('docs/images');
mkdirSync(images, { recursive: true });

const children = [];
let browser;
try {
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  });
  const page = await browser.newPage({
    colorScheme: 'light',
    viewport: { width: 1200, height: 1060 },
    deviceScaleFactor: 1,
  });

  await open(page, await serve(await withGap()));
  await page.locator('[aria-label="Fragments"] [data-index="4"]').click();
  await settled(page);
  await shoot(page, 'inspector');

  await page.getByRole('tab', { name: 'Elements' }).click();
  await page.getByRole('searchbox').fill('SimpleBlock');
  await page.keyboard.press('Enter');
  await page.locator('.hex pre .header').first().waitFor();
  await settled(page);
  await shoot(page, 'inspector-elements', '.tabs');
} finally {
  await browser?.close();
  for (const child of children) child.kill();
  rmSync(folder, { recursive: true });
}

/** The recording without one of its fragments: what a camera that was offline for a moment leaves. */
async function withGap() {
  const file = join(folder, 'camera.mkv');
  const kept = [];
  let index = 0;
  for await (const { bytes } of readDocuments(readFileSync(path('examples/recording/camera.mkv')))) {
    if (index !== 3) kept.push(bytes.slice());
    index++;
  }
  writeFileSync(file, Buffer.concat(kept));
  return file;
}

/** Runs `kvs view` and gives the page's address. */
async function serve(file) {
  const args = [path('dist/cli/main.js'), 'view', '--no-open', '--json', file];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const [line] = await once(child.stdout, 'data');
  return JSON.parse(String(line)).page;
}

async function open(page, address) {
  await page.goto(address);
  await page.waitForFunction(() => {
    const progress = document.querySelector('.progress');
    return progress !== null && progress.querySelector('progress') === null;
  });
}

/** Waits until the pictures and the sound are drawn. */
async function settled(page) {
  await page.waitForFunction(() => document.querySelectorAll('.strip canvas[data-drawn]').length === 2);
}

async function shoot(page, name, selector) {
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  const target = selector === undefined ? page : page.locator(selector);
  const file = join(images, `${name}.webp`);
  await sharp(await target.screenshot())
    .webp({ quality: 75, smartSubsample: true, effort: 6 })
    .toFile(file);
  console.log(`${file}: ${statSync(file).size} bytes`);
}
