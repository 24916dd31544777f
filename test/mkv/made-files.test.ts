import { expect, test } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import { readEvents } from '../support/events.js';
import { MEDIA, MEDIA_NAMES, mediaBytes } from '../support/media.js';
import { chunksOf, randomChunks, readChunks } from '../support/read-all.js';
import { describeNeeding } from '../support/tools.js';

describeNeeding('files of ffmpeg, mkvmerge and mediabunny', [MEDIA], () => {
  test.each(MEDIA_NAMES)('%s is right for a strict reader, in every chunking', async (name) => {
    const bytes = await mediaBytes(name);
    const options = { strict: true, verifyCrc: true };
    const whole = readEvents([bytes], options);
    expect(whole.all.filter((line) => !/^(start|end|data) /.test(line))).toEqual(['the end']);
    expect(Buffer.compare(whole.bytes, bytes)).toBe(0);
    expect(readEvents(chunksOf(bytes, 1), options).all).toEqual(whole.all);
    expect(readEvents(randomChunks(bytes, 500, 3), options).all).toEqual(whole.all);
  });

  test('one behind another, they are read as each alone', async () => {
    const files = await Promise.all(MEDIA_NAMES.map((name) => mediaBytes(name)));
    const alone: string[] = [];
    let start = 0;
    for (const file of files) {
      alone.push(...places([file], start));
      start += file.length;
    }
    expect(places(chunksOf(concatBytes(files), 1000), 0)).toEqual(alone);
  });
});

function places(chunks: Iterable<Uint8Array>, start: number): string[] {
  const lines: string[] = [];
  for (const { kind, type, offset, path } of readChunks(chunks, { strict: true })) {
    lines.push(`${kind} ${type.name} at ${start + offset} in ${path.map((master) => master.type.name).join('/')}`);
  }
  return lines;
}
