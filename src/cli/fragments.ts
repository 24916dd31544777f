import type { Fragment } from '../fragments/fragment.js';
import { readFragments } from '../fragments/read.js';
import type { TrackMetadata } from '../mkv/track.js';
import type { Frame } from '../visitors/frame.js';
import { type Command, parseWords, READ_OPTIONS, READ_USAGE, readerOptions } from './command.js';
import { openInput } from './input.js';
import { LineOutput } from './output.js';
import { Progress } from './progress.js';
import { printable, seconds } from './text.js';

/** `kvs fragments`: what each fragment of a stream is and has. */
export const fragments: Command = {
  usage: `FILE ${READ_USAGE}`,
  summary: 'each fragment: number, times, token, error, frames, tags, tracks',
  async run(words) {
    const { values, positionals } = parseWords(words, READ_OPTIONS, ['FILE']);
    const file = positionals[0]!;
    const describe = values.json === true ? jsonLine : textLines;
    const output = new LineOutput();
    const progress = await Progress.through(file);
    let content = new Content();
    // The frames are counted as they come and let go, so that a file of one endless fragment does not fill the memory.
    const filter = (frame: Frame) => {
      content.add(frame);
      return false;
    };
    try {
      const stream = readFragments(progress.watch(openInput(file)), { ...readerOptions(file, values), filter });
      for await (const fragment of stream) {
        const written = output.line(describe(fragment, content));
        content = new Content();
        if (written !== undefined) await written;
      }
    } finally {
      progress.end();
      await output.flush();
    }
  },
};

/** What the frames of a fragment come to. */
class Content {
  frames = 0;
  bytes = 0;
  /** The first key frame of each track, where the track does not tell its codec string without. */
  readonly codecStrings = new Map<TrackMetadata, string>();
  #begin = Number.POSITIVE_INFINITY;
  #end = Number.NEGATIVE_INFINITY;

  add(frame: Frame): void {
    const { track, timestamp, duration = 0, size, keyframe } = frame;
    this.frames++;
    this.bytes += size;
    this.#begin = Math.min(this.#begin, timestamp);
    this.#end = Math.max(this.#end, timestamp + duration);
    if (keyframe && !this.codecStrings.has(track)) {
      const codec = track.codecString ?? track.toVideoDecoderConfig(frame.data)?.codec;
      if (codec !== undefined) this.codecStrings.set(track, codec);
    }
  }

  /** From the time of its first frame to the end of its last, or to the last one's time where no duration is known. */
  get durationUs(): number | undefined {
    return this.frames === 0 ? undefined : this.#end - this.#begin;
  }
}

function jsonLine(fragment: Fragment, content: Content): string {
  const { fragmentNumber, millisBehindNow, continuationToken, tags, error, truncated } = fragment;
  return JSON.stringify({
    fragmentNumber: fragmentNumber ?? null,
    serverTimestamp: fragment.serverTimestamp?.toISOString() ?? null,
    producerTimestamp: fragment.producerTimestamp?.toISOString() ?? null,
    millisBehindNow: millisBehindNow ?? null,
    continuationToken: continuationToken ?? null,
    frames: content.frames,
    bytes: content.bytes,
    durationUs: content.durationUs ?? null,
    tags: tags.map(({ name, value }) => [name, value]),
    tracks: fragment.tracks.map((track) => jsonTrack(track, content)),
    error:
      error === undefined
        ? null
        : { operation: error.operation, code: error.code, id: error.id ?? null, message: error.message ?? null },
    truncated,
  });
}

function jsonTrack(track: TrackMetadata, content: Content) {
  const { number, uid, type, name, codecId, language, defaultDuration, video, audio } = track;
  return {
    number,
    uid: uid.toString(),
    type,
    name: name ?? null,
    codecId,
    codecString: codecStringOf(track, content) ?? null,
    language,
    defaultDurationUs: defaultDuration ?? null,
    video: video ?? null,
    audio:
      audio === undefined
        ? null
        : {
            samplingFrequency: audio.samplingFrequency,
            outputSamplingFrequency: audio.outputSamplingFrequency ?? null,
            channels: audio.channels,
            bitDepth: audio.bitDepth ?? null,
          },
  };
}

function codecStringOf(track: TrackMetadata, content: Content): string | undefined {
  return track.codecString ?? content.codecStrings.get(track);
}

function textLines(fragment: Fragment, content: Content): string {
  const { fragmentNumber, millisBehindNow, continuationToken, serverTimestamp, producerTimestamp, error } = fragment;
  const lines = [fragmentNumber === undefined ? 'no fragment number' : `fragment ${printable(fragmentNumber)}`];
  const add = (text: string) => lines.push(`  ${text}`);
  if (producerTimestamp !== undefined) add(`recorded ${producerTimestamp.toISOString()}`);
  if (serverTimestamp !== undefined) add(`received ${serverTimestamp.toISOString()}`);
  const { durationUs } = content;
  const length = durationUs === undefined ? '' : `, ${seconds(durationUs)}`;
  add(`${content.frames} frames, ${content.bytes} bytes${length}`);
  for (const track of fragment.tracks) add(trackText(track, codecStringOf(track, content)));
  for (const { name, value } of fragment.tags) add(`tag ${printable(name)} = ${printable(value)}`);
  if (millisBehindNow !== undefined) add(`${millisBehindNow} ms behind now`);
  if (continuationToken !== undefined) add(`continuation token ${printable(continuationToken)}`);
  if (error !== undefined) {
    const text = [error.code, error.id, error.message].filter((part) => part !== undefined && part !== '').join(', ');
    add(`error of ${error.operation}: ${printable(text)}`);
  }
  if (fragment.truncated) add('not whole: bytes are missing');
  return lines.join('\n');
}

function trackText(track: TrackMetadata, codecString: string | undefined): string {
  const { number, type, name, codecId, video, audio } = track;
  const parts = [`track ${number}: ${type}`, printable(codecId)];
  if (codecString !== undefined) parts.push(codecString);
  if (video !== undefined) parts.push(`${video.pixelWidth} x ${video.pixelHeight}`);
  if (audio !== undefined) parts.push(`${audio.samplingFrequency} Hz`, `${audio.channels} channels`);
  if (name !== undefined) parts.push(`"${printable(name)}"`);
  return parts.join(', ');
}
