import { ByteRun } from '../../src/ebml/byte-run.js';
import { Block } from '../../src/mkv/block.js';
import { MkvParseError } from '../../src/mkv/parse-error.js';
import { ensure } from '../finding.js';
import { Choices } from '../input.js';
import type { FuzzTarget } from '../target.js';

/** Where the Block is said to begin in its stream. */
const OFFSET = 1000;

/** Blocks with every lacing, somewhere within other bytes. */
export const lacing: FuzzTarget = {
  name: 'lacing',
  ebml: false,
  seeds: () =>
    [
      [0x81, 0, 0, 0x80, 1, 2, 3],
      [0x40, 0x81, 0, 0, 0x02, 2, 1, 2, 9, 8, 8, 7],
      [0x81, 0, 0, 0x02, 1, 255, 0, ...new Array<number>(256).fill(5)],
      [0x81, 0, 0, 0x04, 1, 1, 2, 3, 4],
      [0x81, 0, 0, 0x06, 2, 0x81, 0xc0, 1, 2, 2, 3],
      [0x81, 0, 0, 0x06, 3, 0x40, 0x02, 0x5f, 0xff, 0xbe, 1, 1, 2, 2, 3, 3, 4],
    ].map((bytes) => Uint8Array.from(bytes)),
  run({ choice, bytes }, features) {
    const c = new Choices(choice);
    const before = c.pick([0, 0, 1, 50]);
    const around = new Uint8Array(before + bytes.length + c.pick([0, 0, 30])).fill(c.below(256));
    around.set(bytes, before);
    let block: Block;
    try {
      block = new Block(new ByteRun(around), before, before + bytes.length, OFFSET, c.oneIn(2));
    } catch (error) {
      if (!(error instanceof MkvParseError)) throw error;
      ensure(error.code === 'InvalidBlock', `a broken Block is an ${error.code}`);
      ensure(error.offset >= OFFSET && error.offset <= OFFSET + bytes.length, 'the error lies outside of the Block');
      features.add(error.message.replace(/-?\d+/g, ''));
      return;
    }
    const { frames, frameCount } = block;
    features.add(`${block.lacing} ${Math.clz32(frameCount)}`);
    ensure(frameCount >= 1 && frameCount <= 256 && frames.length === frameCount, 'a wrong number of frames');
    ensure(Number.isSafeInteger(block.trackNumber) && block.trackNumber >= 0, 'a wrong track number');
    ensure(block.relativeTimestamp >= -32768 && block.relativeTimestamp <= 32767, 'a wrong time');
    // The frames lie behind each other and fill the Block to its end.
    let at = frames[0]?.byteOffset ?? 0;
    ensure(at >= before + 4, 'a frame begins in the header');
    for (const [i, frame] of frames.entries()) {
      ensure(frame.byteOffset === at && frame.length === block.frameSize(i), 'frames do not follow each other');
      at += frame.length;
    }
    ensure(at === before + bytes.length, 'the frames do not end with the Block');
  },
};
