import { type Api, isPromised } from './apis.js';
import type { Pattern } from './pattern.js';
import { measure, type Work } from './work.js';

/** What a pattern cost in one way into the library, at three lengths, each four times the one before. */
export interface Growth {
  readonly bytes: readonly number[];
  readonly work: readonly Work[];
}

/** How many times the work for each further byte may grow while the input grows four times; for quadratic work it is four. */
const SUPERLINEAR = 2;

/** Below so much for each byte growth is that of buffers that double, and of what is counted once. */
const STEPS_PER_BYTE = 12;
const ALLOCATED_PER_BYTE = 40;

/**
 * What input may cost at most, for each byte: a linear multiple that is too large is no better. A Block of 7 bytes has 256 frames without
 * bytes, and `maxFragmentSize` bounds how many of those come together.
 */
const MOST_STEPS_PER_BYTE = 20_000;
const MOST_ALLOCATED_PER_BYTE = 2000;

/** A pattern at three lengths. */
export function inputsOf(pattern: Pattern, size: number): Uint8Array[] {
  const each = (pattern.make(400).length - pattern.make(200).length) / 200;
  return [size, size * 4, size * 16].map((length) => pattern.make(each === 0 ? 1 : Math.ceil(length / each)));
}

/** Runs inputs of three lengths. */
export async function grow(inputs: readonly Uint8Array[], api: Api): Promise<Growth> {
  const work: Work[] = [];
  for (const input of inputs) {
    work.push(
      await measure(async () => {
        try {
          await api.run(input);
        } catch (error) {
          if (!isPromised(error)) throw error;
        }
      }),
    );
  }
  return { bytes: inputs.map(({ length }) => length), work };
}

/** What is wrong with a growth, in words; `undefined` when it is linear. */
export function judge({ bytes, work }: Growth): string | undefined {
  const [n0 = 0, n1 = 0, n2 = 0] = bytes;
  if (n2 <= n0 || n0 === 0) return undefined;
  for (const [what, least, most] of [
    ['steps', STEPS_PER_BYTE, MOST_STEPS_PER_BYTE],
    ['allocated', ALLOCATED_PER_BYTE, MOST_ALLOCATED_PER_BYTE],
  ] as const) {
    const [w0 = 0, w1 = 0, w2 = 0] = work.map((each) => each[what]);
    const before = (w1 - w0) / (n1 - n0);
    const after = (w2 - w1) / (n2 - n1);
    const word = what === 'steps' ? 'steps' : 'bytes allocated';
    const told = `${before.toFixed(1)} ${word} for each further byte at ${n1} bytes, ${after.toFixed(1)} at ${n2}`;
    // Where a bound is reached between two lengths, each byte costs less from there on.
    if (after > least && after > SUPERLINEAR * Math.max(before, w0 / n0, w1 / n1, least / 2))
      return `grows faster than its input: ${told}`;
    if (after > most) return `costs too much: ${told}`;
  }
  return undefined;
}
