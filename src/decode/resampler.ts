import { DecodeError } from './decode-error.js';
import { lackOf, loadOptional } from './optional.js';

/** Changes the sampling frequency of sound that continues: an `SRC` of libsamplerate-js is one. */
export interface ResamplerLike {
  /** Takes samples, the channels in turn, and gives those that can be told by now, the first of them at the time of the first that came. */
  full(samples: Float32Array): Float32Array;
  /** Gives its memory back. */
  destroy(): void;
}

/** Makes a resampler: the `create` of `@alexanderolsen/libsamplerate-js` is one. A `converterType` of 1 is its medium quality. */
export type CreateResampler = (
  numberOfChannels: number,
  fromRate: number,
  toRate: number,
  options: { readonly converterType: 1 },
) => Promise<ResamplerLike>;

const PACKAGE = '@alexanderolsen/libsamplerate-js';
/** SRC_SINC_MEDIUM_QUALITY: 121 dB. */
const QUALITY = { converterType: 1 } as const;
/** Samples are given in pieces of at most so many. */
const PIECE = 16_384;
/** In seconds: more silence than a resampler has to be given before it gives what it holds. */
const TAIL = 0.1;

/**
 * What makes resamplers.
 *
 * @throws DecodeError `NoResampler` when the package is not installed, or does not load
 */
export async function loadResampler(given: CreateResampler | undefined): Promise<CreateResampler> {
  if (given !== undefined) return given;
  const loaded = await loadOptional(PACKAGE);
  const create = loaded.found ? createOf(loaded.module) : undefined;
  if (create !== undefined) return create;
  const failure = loaded.found ? 'it is of another kind' : loaded.failure;
  const text = `nothing here changes the sampling frequency: ${lackOf(PACKAGE, failure)}, or give its create() as resampler`;
  throw new DecodeError('NoResampler', text, { cause: failure });
}

function createOf(module: unknown): CreateResampler | undefined {
  if (typeof module !== 'object' || module === null) return undefined;
  const create: unknown = Reflect.get(module, 'create');
  return isCreate(create) ? create : createOf(Reflect.get(module, 'default'));
}

function isCreate(value: unknown): value is CreateResampler {
  return typeof value === 'function';
}

/** Resamples one stretch of sound without holes; the length comes out exact. */
export class ResampledRun {
  readonly #resampler: ResamplerLike;
  readonly #channels: number;
  readonly #from: number;
  readonly #to: number;
  /** Where it begins, in samples at the first frequency and at the second. */
  readonly #start: number;
  /** Where its output begins, in samples at the second frequency. */
  readonly outputStart: number;
  #taken = 0;
  #given = 0;

  private constructor(resampler: ResamplerLike, channels: number, from: number, to: number, start: number) {
    this.#resampler = resampler;
    this.#channels = channels;
    this.#from = from;
    this.#to = to;
    this.#start = start;
    this.outputStart = this.#positionOf(start);
  }

  /** @param start where it begins, in samples at the frequency `from` */
  static async begin(
    create: CreateResampler,
    channels: number,
    from: number,
    to: number,
    start: number,
  ): Promise<ResampledRun> {
    return new ResampledRun(await create(channels, from, to, QUALITY), channels, from, to, start);
  }

  /** Where its input goes on, in samples at the first frequency. */
  get end(): number {
    return this.#start + this.#taken;
  }

  /** Where its output goes on, in samples at the second frequency. */
  get outputEnd(): number {
    return this.outputStart + this.#given;
  }

  /** Takes samples, the channels in turn, and gives what there is of them at the other frequency. */
  push(samples: Float32Array): Float32Array[] {
    this.#taken += samples.length / this.#channels;
    return this.#run(samples, this.#positionOf(this.end) - this.outputStart);
  }

  /** No more come: gives the rest. */
  finish(): Float32Array[] {
    const wanted = this.#positionOf(this.end) - this.outputStart;
    const outputs: Float32Array[] = [];
    const silence = new Float32Array(Math.ceil(this.#from * TAIL) * this.#channels);
    for (let i = 0; i < 10 && this.#given < wanted; i++) {
      for (const output of this.#run(silence, wanted)) outputs.push(output);
    }
    this.destroy();
    return outputs;
  }

  destroy(): void {
    this.#resampler.destroy();
  }

  #run(samples: Float32Array, most: number): Float32Array[] {
    const outputs: Float32Array[] = [];
    const piece = PIECE * this.#channels;
    for (let at = 0; at < samples.length; at += piece) {
      const output = this.#resampler.full(samples.slice(at, at + piece));
      const frames = Math.max(0, Math.min(output.length / this.#channels, most - this.#given));
      this.#given += frames;
      if (frames > 0) outputs.push(output.slice(0, frames * this.#channels));
    }
    return outputs;
  }

  #positionOf(position: number): number {
    return Math.round((position * this.#to) / this.#from);
  }
}
