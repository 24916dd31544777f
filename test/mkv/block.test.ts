import { describe, expect, it } from 'vitest';
import { ByteRun } from '../../src/ebml/byte-run.js';
import { Block, MkvParseError } from '../../src/index.js';

const OFFSET = 1000;
const BEFORE = 4;

/** A Block within other bytes, all of them 0x81, which must not be taken for its own. */
function block(bytes: number[], simple = true): Block {
  const around = new Uint8Array(BEFORE + bytes.length + 20).fill(0x81);
  around.set(bytes, BEFORE);
  return new Block(new ByteRun(around), BEFORE, BEFORE + bytes.length, OFFSET, simple);
}

const framesOf = (bytes: number[]) => block(bytes).frames.map((frame) => [...frame]);

function errorOf(bytes: number[]): MkvParseError {
  try {
    block(bytes);
  } catch (error) {
    if (error instanceof MkvParseError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

describe('the header of a Block', () => {
  it.each([
    [[0x81], 1],
    [[0x40, 0x80], 128],
    [[0x20, 0x40, 0], 16384],
    [[0x01, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], 2 ** 53 - 1],
  ])('has the track number %j', (number, expected) => {
    const { trackNumber, frames } = block([...number, 0, 0, 0, 7]);
    expect([trackNumber, [...(frames[0] ?? [])]]).toEqual([expected, [7]]);
  });

  it('has a signed time', () => {
    const times = [
      [0, 0],
      [0, 1],
      [0x7f, 0xff],
      [0x80, 0],
      [0xff, 0xff],
      [1, 0],
    ].map(([a = 0, b = 0]) => block([0x81, a, b, 0]).relativeTimestamp);
    expect(times).toEqual([0, 1, 32767, -32768, -1, 256]);
  });

  it('has a bit for each flag, and two for the lacing', () => {
    for (let flags = 0; flags < 256; flags++) {
      // Laced, it has one frame and its number.
      const { keyframe, invisible, discardable, lacing } = block([0x81, 0, 0, flags, 0]);
      expect([keyframe, invisible, discardable]).toEqual([flags >= 128, (flags & 8) > 0, (flags & 1) > 0]);
      expect(lacing).toBe(['none', 'xiph', 'fixed-size', 'ebml'][(flags >> 1) & 3]);
    }
    expect([block([0x81, 0, 0, 0]).simple, block([0x81, 0, 0, 0], false).simple]).toEqual([true, false]);
  });

  it.each([[[]], [[0x81]], [[0x81, 0, 0]], [[0x40, 1, 0, 0]], [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]]])(
    'is not there in %j',
    (bytes) => {
      const { code, offset, message } = errorOf(bytes);
      expect([code, offset]).toEqual(['InvalidBlock', OFFSET]);
      expect(message).toContain(`${bytes.length} byte`);
    },
  );

  it('has no track number of 2^53', () => {
    expect(errorOf([0x01, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0])).toMatchObject({
      code: 'InvalidBlock',
      offset: OFFSET,
      message: expect.stringContaining('2^53'),
    });
  });
});

describe('the frames of a Block', () => {
  it('whose sizes are beyond what is exact are an error of the same words wherever it lies', () => {
    // A large size and a little more: only what is left for the third frame is negative.
    const sizes = [0x01, 0xf3, 0x9a, 0xca, 0x07, 0x5b, 0xcd, 0x15, 0x01, 0x80, 0, 0, 0, 0, 0, 9];
    const bytes = Uint8Array.of(0x81, 0, 0, 0x06, 2, ...sizes, 1, 2, 3);
    const errorAt = (at: number) => {
      const around = new Uint8Array(at + bytes.length);
      around.set(bytes, at);
      try {
        return new Block(new ByteRun(around), at, around.length, OFFSET, true);
      } catch (error) {
        return error instanceof MkvParseError && error.message;
      }
    };
    const errors = new Set(Array.from({ length: 300 }, (_, i) => errorAt(17 * i)));
    expect(errors.size).toBe(1);
    expect([...errors][0]).toMatch(/: a lace of -\d+ bytes$/);
  });

  it('are one without lacing, also of no bytes', () => {
    expect(framesOf([0x81, 0, 0, 0, 1, 2, 3])).toEqual([[1, 2, 3]]);
    expect(framesOf([0x81, 0, 0, 0])).toEqual([[]]);
  });

  it('have Xiph sizes', () => {
    expect(framesOf([0x81, 0, 0, 2, 0, 5, 6])).toEqual([[5, 6]]);
    expect(framesOf([0x81, 0, 0, 2, 2, 1, 0, 7, 8, 9])).toEqual([[7], [], [8, 9]]);
    const long = framesOf([
      0x81,
      0,
      0,
      2,
      2,
      255,
      0,
      255,
      255,
      1,
      ...new Array<number>(255).fill(1),
      ...new Array<number>(511).fill(2),
      3,
    ]);
    expect(long.map((frame) => [frame.length, frame[0]])).toEqual([
      [255, 1],
      [511, 2],
      [1, 3],
    ]);
  });

  it('have one fixed size', () => {
    expect(framesOf([0x81, 0, 0, 4, 2, 1, 2, 3, 4, 5, 6])).toEqual([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
    expect(framesOf([0x81, 0, 0, 4, 1])).toEqual([[], []]);
  });

  it('have EBML sizes: one, and differences of every width', () => {
    expect(framesOf([0x81, 0, 0, 6, 0, 5, 6])).toEqual([[5, 6]]);
    // 2, then + 1, then - 3 in two bytes, then what is left.
    expect(framesOf([0x81, 0, 0, 6, 3, 0x82, 0xc0, 0x5f, 0xfc, 1, 1, 2, 2, 2, 9])).toEqual([
      [1, 1],
      [2, 2, 2],
      [],
      [9],
    ]);
    expect(framesOf([0x81, 0, 0, 6, 2, 0x40, 1, 0x30, 0, 0, 1, 2, 2, 3])).toEqual([[1], [2, 2], [3]]);
  });

  it('may all be empty, up to the end of the Block', () => {
    expect(framesOf([0x81, 0, 0, 2, 1, 0])).toEqual([[], []]);
    expect(framesOf([0x81, 0, 0, 6, 1, 0x80])).toEqual([[], []]);
  });

  it('may have EBML sizes of 8 bytes', () => {
    expect(framesOf([0x81, 0, 0, 6, 1, 1, 0, 0, 0, 0, 0, 0, 1, 7, 8])).toEqual([[7], [8]]);
  });

  it('are counted when they do not fit', () => {
    expect(errorOf([0x81, 0, 0, 4, 1, 1, 2, 3]).message).toContain('3 bytes do not part into 2 frames');
  });

  it.each<[string, number[], number]>([
    ['no number of frames', [0x81, 0, 0, 2], 3],
    ['no number of frames, EBML', [0x81, 0, 0, 6], 3],
    ['no number of frames, fixed', [0x81, 0, 0, 4], 3],
    ['Xiph sizes that are not there', [0x81, 0, 0, 2, 2, 1], 5],
    ['a Xiph size that goes on past the end', [0x81, 0, 0, 2, 1, 255], 5],
    ['a Xiph lace that does', [0x81, 0, 0, 2, 1, 3, 1, 2], 5],
    ['EBML sizes that are not there', [0x81, 0, 0, 6, 2, 0x80], 5],
    ['an EBML size that goes on past the end', [0x81, 0, 0, 6, 1, 0x40], 5],
    ['an EBML size without marker', [0x81, 0, 0, 6, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 14],
    ['an EBML lace that goes past the end', [0x81, 0, 0, 6, 1, 0x83, 1, 2], 5],
    ['an EBML lace of negative size', [0x81, 0, 0, 6, 2, 0x81, 0x80, 1, 2, 3], 6],
    ['a fixed size that does not divide', [0x81, 0, 0, 4, 1, 1, 2, 3], 4],
  ])('are refused: %s', (_, bytes, at) => {
    const { code, offset, message } = errorOf(bytes);
    expect([code, offset]).toEqual(['InvalidBlock', OFFSET + at]);
    expect(message).toMatch(/^byte \d+: .{10}/);
  });

  it('are found by number, and no others are there', () => {
    const laced = block([0x81, 0, 0, 4, 2, 1, 2, 3]);
    expect([laced.frameCount, laced.frameSize(2), ...laced.frame(2)]).toEqual([3, 1, 3]);
    for (const index of [-1, 3, Number.NaN]) {
      expect(() => laced.frame(index)).toThrow(`no frame ${index} in a Block of 3`);
      expect(() => laced.frameSize(index)).toThrow(RangeError);
    }
    expect(() => block([0x81, 0, 0, 0, 1]).frame(1)).toThrow(RangeError);
  });

  it('are views of the bytes given', () => {
    const bytes = Uint8Array.of(9, 0x81, 0, 0, 0, 5, 6).subarray(1);
    const frame = new Block(new ByteRun(bytes), 0, 6, 0, true).frame(0);
    expect([frame.buffer === bytes.buffer, [...frame]]).toEqual([true, [5, 6]]);
  });
});
