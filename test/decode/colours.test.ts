import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { readPictures } from '../../src/decode/index.js';
import { MEDIA } from '../support/media.js';
import { describeNeeding, packages } from '../support/tools.js';
import { COLOUR_KINDS, colouredVideo, farthest, meansOf } from './colours.js';

describeNeeding('the colours of pictures', [MEDIA, packages('@napi-rs/webcodecs')], () => {
  for (const codecs of ['webcodecs', 'ffmpeg'] as const) {
    it.each(COLOUR_KINDS)(`${codecs}: are those of ffmpeg where the stream says %s`, async (kind) => {
      const path = colouredVideo(kind);
      const args = ['-v', 'error', '-i', path, '-frames:v', '1', '-pix_fmt', 'gbrp', '-f', 'rawvideo', '-'];
      const [green, blue, red] = Array.from({ length: 3 }, (_, plane) => plane * 320 * 240);
      const bytes = execFileSync('ffmpeg', args);
      const plane = (start = 0) => [...bytes.subarray(start, start + 320 * 240)].map((value) => value / 255);
      const expected = meansOf(Float32Array.from([...plane(red), ...plane(green), ...plane(blue)]), 320, 240);
      let count = 0;
      for await (const picture of readPictures(new Uint8Array(readFileSync(path)), { codecs, every: '1s' })) {
        const { data } = await picture.toTensor();
        expect(farthest(meansOf(data, 320, 240), expected)).toBeLessThan(0.015);
        count++;
      }
      expect(count).toBe(1);
    });
  }
});
