import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

interface Size {
  readonly name: string;
  readonly gzip: number;
  /** What the bundle still imports. */
  readonly imports: readonly string[];
}

const script = fileURLToPath(new URL('../scripts/size.mjs', import.meta.url));
const sizes: readonly Size[] = JSON.parse(execFileSync(process.execPath, [script, '--json'], { encoding: 'utf8' }));

function sizeOf(name: string): Size {
  const size = sizes.find((one) => one.name === name);
  if (size === undefined) throw new Error(`no size of ${name}`);
  return size;
}

// What the bundles have reached, with little room. The goals were 8 kB for the reader and 16 kB for frames and for all of the core, which has more rooms now.
it.each([
  ['reader', 21900],
  ['frames', 45200],
  ['core', 68300],
  ['mp4, without mp4box', 61300],
  ['mp4', 91100],
  ['client', 72500],
  ['decode', 64900],
  ['hls, without mp4box', 67300],
])('the %s is no larger than %i bytes', (name, limit) => {
  expect(sizeOf(name).gzip).toBeLessThan(limit);
});

it('a browser bundle of the core imports nothing', () => {
  expect(sizeOf('core').imports).toEqual([]);
  // The peers show that imports are seen.
  expect(sizeOf('ebml-stream').imports).toContain('stream');
});
