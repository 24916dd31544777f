import type { StoredFormat } from './sample-format.js';
import { toFloat } from './sample-format.js';
import type { AudioDataLike } from './webcodecs.js';

/** Decoded sound, with the channels in turn, as parts of 1. */
export interface Sound {
  readonly samples: Float32Array;
  /** Samples of one channel per second. */
  readonly sampleRate: number;
  readonly numberOfChannels: number;
}

const FORMATS: Readonly<Record<string, StoredFormat>> = { u8: 'u8', s16: 's16', s32: 's32', f32: 'f32' };

/**
 * The samples of an AudioData. They are taken as they are stored: conversion by the decoder's library is not relied on.
 *
 * @throws TypeError when its format is not known
 */
export function soundOf(data: AudioDataLike): Sound {
  const { numberOfChannels, numberOfFrames, sampleRate } = data;
  const [name = '', planar] = (data.format ?? '').split('-');
  const format = FORMATS[name];
  if (format === undefined) throw new TypeError(`samples of the format ${data.format}`);
  const read = (planeIndex: number) => {
    const bytes = new Uint8Array(data.allocationSize({ planeIndex }));
    data.copyTo(bytes, { planeIndex });
    return toFloat(bytes, format);
  };
  if (planar === undefined || numberOfChannels === 1) return { samples: read(0), sampleRate, numberOfChannels };
  const samples = new Float32Array(numberOfFrames * numberOfChannels);
  for (let channel = 0; channel < numberOfChannels; channel++) {
    const plane = read(channel);
    for (let i = 0; i < numberOfFrames; i++) samples[i * numberOfChannels + channel] = plane[i]!;
  }
  return { samples, sampleRate, numberOfChannels };
}

/**
 * The same sound with another number of channels: one is copied to all, all are averaged to one; else the first ones are kept, and channels
 * that there are not are silent (the "discrete" way of Web Audio).
 */
export function withChannels(sound: Sound, wanted: number): Sound {
  const { samples, numberOfChannels: own } = sound;
  if (own === wanted) return sound;
  const length = samples.length / own;
  const result = new Float32Array(length * wanted);
  for (let i = 0; i < length; i++) {
    for (let channel = 0; channel < wanted; channel++) {
      result[i * wanted + channel] =
        own === 1
          ? samples[i]!
          : wanted === 1
            ? average(samples, i * own, own)
            : channel < own
              ? samples[i * own + channel]!
              : 0;
    }
  }
  return { ...sound, samples: result, numberOfChannels: wanted };
}

function average(samples: Float32Array, at: number, count: number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += samples[at + i]!;
  return sum / count;
}
