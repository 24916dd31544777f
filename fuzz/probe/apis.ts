import { FrameFiles } from '../../src/cli/frame-file.js';
import { EbmlParseError } from '../../src/ebml/errors.js';
import { readFragments, readFrames } from '../../src/fragments/read.js';
import { ChunkMerger } from '../../src/merge/chunk-merger.js';
import type { OutputSegmentMergerOptions } from '../../src/merge/merge-options.js';
import { CodecDataError } from '../../src/mkv/codec/codec-error.js';
import { codecStringOf, decoderDescription } from '../../src/mkv/codec/codec-string.js';
import { isNalKeyframe, type NalConfig, nalConfigOf } from '../../src/mkv/codec/nal-config.js';
import { Mkv } from '../../src/mkv/elements.js';
import { type MkvReaderOptions, StreamingMkvReader } from '../../src/mkv/reader.js';
import type { TrackMetadata } from '../../src/mkv/track.js';
import { Mp4RemuxError, mp4SegmentStream, remuxToMp4 } from '../../src/mp4/index.js';

/** A way into the library. */
export interface Api {
  readonly name: string;
  /** Takes all of it that input can make it do. Errors that are promised are no findings here. */
  run(bytes: Uint8Array): void | Promise<void>;
}

function read(name: string, options: MkvReaderOptions, chunk: number): Api {
  return {
    name,
    run(bytes) {
      const reader = new StreamingMkvReader({ ...options, onGap: () => {}, onWarning: () => {} });
      for (const piece of pieces(bytes, chunk)) {
        reader.push(piece);
        take(reader);
      }
      reader.end();
      take(reader);
    },
  };
}

function take(reader: StreamingMkvReader): void {
  for (let element = reader.nextIfAvailable(); element !== undefined; element = reader.nextIfAvailable()) {
    if (element.kind === 'data') void element.data;
  }
}

function merge(name: string, options: OutputSegmentMergerOptions & MkvReaderOptions, close: boolean): Api {
  return {
    name,
    run(bytes) {
      const merger = new ChunkMerger(options);
      try {
        for (const piece of pieces(bytes, 1000)) merger.push(piece);
        merger.end();
      } catch (error) {
        if (!close || !(error instanceof EbmlParseError)) throw error;
        merger.closeTruncated();
      }
    },
  };
}

const recover = { recover: true, onGap: () => {}, onWarning: () => {} };

/** All ways in that take a stream. */
export const APIS: readonly Api[] = [
  read('reader', {}, 1000),
  read('reader, recover', { recover: true }, 1000),
  read('reader, recover, verifyCrc, small chunks', { recover: true, verifyCrc: true }, 11),
  read('reader, some elements', { recover: true, elements: [Mkv.SimpleBlock, Mkv.Tags] }, 100_000),
  {
    name: 'readFragments',
    async run(bytes) {
      for await (const { frames, tracks } of readFragments(pieces(bytes, 1000), recover)) {
        for (const frame of frames) void frame.data;
        for (const track of tracks) void track.codecString;
      }
    },
  },
  {
    name: 'readFrames',
    async run(bytes) {
      for await (const frame of readFrames([bytes], recover)) void frame.data;
    },
  },
  {
    name: 'readFrames, every',
    async run(bytes) {
      for await (const frame of readFrames([bytes], { ...recover, every: 2 })) void frame.data;
    },
  },
  merge('merge', {}, true),
  merge('merge, recover', recover, true),
  merge('merge, packClusters', { ...recover, packClusters: true }, true),
  merge('merge, keepPositions', { ...recover, keepPositions: true }, true),
  {
    name: 'mp4 segments',
    async run(bytes) {
      for await (const segment of mp4SegmentStream(pieces(bytes, 1000), { ...recover, onInvalidFragment: () => {} })) {
        void segment.bytes;
      }
    },
  },
  {
    name: 'mp4 file',
    async run(bytes) {
      await remuxToMp4([bytes], () => {}, { ...recover, onInvalidFragment: () => {} });
    },
  },
  {
    name: 'codec functions',
    async run(bytes) {
      for await (const { frames, tracks } of readFragments([bytes], recover)) {
        const configs = new Map<TrackMetadata, NalConfig | undefined>();
        const firsts = new Map([...frames].reverse().map((frame) => [frame.track, frame.data]));
        for (const track of tracks) {
          codecStringOf(track, firsts.get(track));
          decoderDescription(track);
          configs.set(
            track,
            unlessInvalid(() => nalConfigOf(track)),
          );
        }
        for (const { data, track } of frames) {
          const config = configs.get(track);
          if (config !== undefined) unlessInvalid(() => isNalKeyframe(config.codec, data, config.lengthSize));
        }
      }
    },
  },
  {
    name: 'frame files',
    async run(bytes) {
      const files = new FrameFiles(() => {});
      for await (const frame of readFrames([bytes], recover)) files.make(frame);
    },
  },
];

/** Errors that bad input has to give. */
export function isPromised(error: unknown): boolean {
  return error instanceof EbmlParseError || error instanceof Mp4RemuxError || error instanceof CodecDataError;
}

function unlessInvalid<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (!isPromised(error)) throw error;
    return undefined;
  }
}

function* pieces(bytes: Uint8Array, length: number): Generator<Uint8Array, void> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}
