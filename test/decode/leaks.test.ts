import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { readAudio, readPictures } from '../../src/decode/index.js';
import { MEDIA } from '../support/media.js';
import { describeNeeding, packages } from '../support/tools.js';
import { counted } from './counted.js';
import { fileBytes, videoPath } from './media.js';

const PICTURES = 20_000;
/** In bytes: what the process may have more at the end than after the first half. A leak of all would be 1 GB. */
const MOST_GROWTH = 200 * 2 ** 20;

describeNeeding('over 20,000 pictures', [MEDIA, packages('@napi-rs/webcodecs')], () => {
  it('all are closed, however their loops end, and memory does not grow', { timeout: 600_000 }, async () => {
    const bytes = fileBytes(videoPath('b-frames.mkv'));
    const damaged = bytes.slice();
    for (let at = 20_000; at < damaged.length; at += 9973) damaged[at] = (damaged[at] ?? 0) ^ 0xff;
    const { codecs, counts } = await counted();
    let loops = 0;
    let early: number | undefined;
    while (counts.opened < PICTURES) {
      const how = ['end', 'end', 'break', 'throw', 'abort', 'damage'][loops++ % 6];
      const stop = new AbortController();
      const run = async () => {
        let count = 0;
        const options = { codecs, signal: stop.signal, recover: true };
        for await (const _ of readPictures(how === 'damage' ? damaged : bytes, options)) {
          if (++count < 150) continue;
          if (how === 'break') break;
          if (how === 'throw') throw new Error('thrown');
          if (how === 'abort') stop.abort(new Error('aborted'));
        }
      };
      if (how === 'throw' || how === 'abort') await expect(run()).rejects.toThrow(`${how}`);
      else await run();
      if (counts.opened >= PICTURES / 2) early ??= process.memoryUsage.rss();
    }
    // What the decoder gives late is closed when it comes.
    await expect.poll(() => counts.opened - counts.closed).toBe(0);
    expect(loops).toBeGreaterThan(100);
    expect(process.memoryUsage.rss() - (early ?? 0)).toBeLessThan(MOST_GROWTH);
  });
});

describeNeeding('over 5,000 pieces of sound', [packages('@napi-rs/webcodecs')], () => {
  it('all are closed, however their loops end', { timeout: 120_000 }, async () => {
    const bytes = new Uint8Array(readFileSync('examples/recording/camera.mkv'));
    const { codecs, counts } = await counted();
    for (let loop = 0; counts.opened < 5000; loop++) {
      let count = 0;
      for await (const _ of readAudio(bytes, { codecs })) if (++count === 100 && loop % 3 === 1) break;
    }
    await expect.poll(() => counts.opened - counts.closed).toBe(0);
  });
});
