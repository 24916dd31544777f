// Decodes damaged media, one input after another, until it is told to end. It says the number of each input before it begins with it, so
// that who started it knows which one ended the process.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadCodecs } from '../../src/decode/codecs.js';
import type { CodecChoice, Codecs, DecoderCallbacks } from '../../src/decode/index.js';
import { readAudio, readPictures } from '../../src/decode/index.js';
import { readFrames } from '../../src/index.js';
import { Choices } from '../input.js';

/** A document (of the tests, and of the folder that FUZZ_MEDIA names), and where the frames of its tracks lie in it. */
interface Seed {
  readonly bytes: Uint8Array;
  readonly frames: readonly (readonly [start: number, end: number])[];
}

async function seedOf(bytes: Uint8Array): Promise<Seed> {
  const frames: [number, number][] = [];
  for await (const { parts } of readFrames(bytes)) {
    for (const part of parts) {
      if (part.buffer !== bytes.buffer) continue;
      const start = part.byteOffset - bytes.byteOffset;
      frames.push([start, start + part.length]);
    }
  }
  return { bytes, frames };
}

async function loadSeeds(): Promise<Seed[]> {
  const files = ['examples/recording/camera.mkv'];
  for (const name of readdirSync('test/cases').sort()) if (name.endsWith('.mkv')) files.push(join('test/cases', name));
  const { FUZZ_MEDIA: folder } = process.env;
  if (folder !== undefined) for (const name of readdirSync(folder).sort()) files.push(join(folder, name));
  const seeds: Seed[] = [];
  for (const file of files) {
    const seed = await seedOf(new Uint8Array(readFileSync(file))).catch(() => undefined);
    if (seed !== undefined && seed.frames.length > 0) seeds.push(seed);
  }
  return seeds;
}

const BOUNDARIES = [0, 1, 0x7f, 0x80, 0xfe, 0xff];

/** The document with some of its frames damaged; sometimes with its headers too. */
function damage({ bytes, frames }: Seed, c: Choices): Uint8Array {
  const copy = bytes.slice();
  const count = 1 + c.below(c.below(4) === 0 ? 200 : 6);
  for (let i = 0; i < count; i++) {
    const [start, end] = c.below(20) === 0 ? [0, frames[0]![0]] : frames[c.below(frames.length)]!;
    if (end <= start) continue;
    const at = start + c.below(Math.min(end - start, c.below(2) === 0 ? 32 : end - start));
    const length = 1 + c.below(Math.min(64, end - at));
    switch (c.below(4)) {
      case 0:
        copy[at]! ^= 1 << c.below(8);
        break;
      case 1:
        copy[at] = BOUNDARIES[c.below(BOUNDARIES.length)]!;
        break;
      case 2:
        copy.fill(c.below(2) * 0xff, at, at + length);
        break;
      default:
        for (let j = at; j < at + length; j++) copy[j] = c.below(256);
    }
  }
  return copy;
}

let open = 0;

/** The same decoders; what they give is counted until it is closed. */
function counted(codecs: Codecs): Codecs {
  const watch = <O extends { close(): void }>({ output, error }: DecoderCallbacks<O>): DecoderCallbacks<O> => ({
    error,
    output: (given) => {
      open++;
      const close = given.close.bind(given);
      let isOpen = true;
      given.close = () => {
        if (isOpen) open--;
        isOpen = false;
        close();
      };
      output(given);
    },
  });
  const { VideoDecoder, AudioDecoder } = codecs;
  class Video extends VideoDecoder {
    constructor(callbacks: ConstructorParameters<Codecs['VideoDecoder']>[0]) {
      super(watch(callbacks));
    }
  }
  class Audio extends AudioDecoder {
    constructor(callbacks: ConstructorParameters<Codecs['AudioDecoder']>[0]) {
      super(watch(callbacks));
    }
  }
  const { EncodedVideoChunk, EncodedAudioChunk } = codecs;
  return { VideoDecoder: Video, AudioDecoder: Audio, EncodedVideoChunk, EncodedAudioChunk };
}

const EXPECTED = new Set(['DecodeError', 'MkvParseError']);

async function decode(bytes: Uint8Array, codecs: CodecChoice, c: Choices): Promise<void> {
  const options = { codecs, recover: c.below(2) === 0, onProblem: () => {} };
  const every = (['frame', 'keyframe', '1s', '3frames'] as const)[c.below(4)];
  const most = c.below(4) === 0 ? c.below(10) : Number.POSITIVE_INFINITY;
  const loops = [
    async () => {
      let count = 0;
      for await (const picture of readPictures(bytes, { ...options, every })) {
        if (c.below(10) === 0) await picture.toRgb();
        if (count++ >= most) break;
      }
    },
    async () => {
      let count = 0;
      for await (const { data, numberOfFrames, numberOfChannels } of readAudio(bytes, { ...options, gaps: 'report' })) {
        if (data.length !== numberOfFrames * numberOfChannels) throw new Error('samples do not come to their number');
        if (count++ >= most) break;
      }
    },
  ];
  for (const loop of loops) {
    try {
      await loop();
    } catch (error) {
      if (!(error instanceof Error) || !EXPECTED.has(error.name)) throw error;
    }
    if (open !== 0) throw new Error(`${open} pictures or sounds are not closed`);
  }
}

const [first = '0', choice = 'webcodecs'] = process.argv.slice(2);
const seeds = await loadSeeds();
const codecs = counted(await loadCodecs(choice === 'ffmpeg' ? 'ffmpeg' : 'webcodecs'));
process.on('unhandledRejection', (error) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(3);
});
for (let number = Number(first); ; number++) {
  const c = new Choices(number);
  const seed = seeds[c.below(seeds.length)]!;
  const input = number === 0 ? seed.bytes : damage(seed, c);
  process.stdout.write(`${number}\n`);
  try {
    await decode(input, codecs, c);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    process.exit(3);
  }
}
