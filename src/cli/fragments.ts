import type { Fragment } from '../fragments/fragment.js';
import { readFragments } from '../fragments/read.js';
import { bytesOf } from '../mkv/codec/pcm-format.js';
import { pictureShape } from '../mkv/codec/picture-shape.js';
import type { AudioSettings, TrackMetadata, VideoSettings } from '../mkv/track.js';
import type { Frame } from '../visitors/frame.js';
import { command, READ_OPTIONS, readerOptions } from './command.js';
import { SERVICE_OPTIONS } from './service.js';
import { ServiceErrors } from './service-errors.js';
import { openSource, SOURCE_ARGUMENTS } from './source.js';
import { LineOutput } from './terminal.js';
import { count, exactUs, printable, seconds } from './text.js';

const OPTIONS = { ...READ_OPTIONS, ...SERVICE_OPTIONS } as const;

/** `kvs fragments`: what each fragment of a stream is and has. */
export const fragments = command({
  summary: 'print each fragment: number, timestamps, frames, tracks, tags, errors',
  arguments: SOURCE_ARGUMENTS,
  options: OPTIONS,
  examples: [
    ['fragments camera.mkv', 'describe each fragment'],
    ['fragments - --json < camera.mkv', 'one JSON object per fragment, from standard input'],
    ['fragments --stream door --from 2026-01-31T12:00:00Z --to 2026-01-31T12:10:00Z', 'ten minutes of stored media'],
  ],
  async run({ values, positionals }) {
    const { name, input, progress } = await openSource(positionals, values);
    const describe = values.json === true ? jsonLine : textLines;
    const output = new LineOutput();
    const errors = new ServiceErrors(name);
    let content = new Content();
    let found = false;
    // The frames are counted as they come and let go, so that a file of one endless fragment does not fill the memory.
    const filter = (frame: Frame) => {
      content.add(frame);
      return false;
    };
    try {
      const stream = readFragments(progress.watch(errors.watch(input)), { ...readerOptions(name, values), filter });
      for await (const fragment of stream) {
        found = true;
        for (const line of describe(fragment, content)) {
          const written = output.line(line);
          if (written !== undefined) await written;
        }
        content = new Content();
      }
    } finally {
      progress.end();
      await output.flush();
    }
    errors.expectNone(values.recover);
    if (!found) throw input.foundNothing('it contains no fragment');
  },
});

/** What the frames of a fragment come to. */
class Content {
  frames = 0;
  bytes = 0;
  /** The first key frame of each track, where the track does not tell its codec string without. */
  readonly codecStrings = new Map<TrackMetadata, string>();
  #begin = Number.POSITIVE_INFINITY;
  #end = Number.NEGATIVE_INFINITY;
  #saysDuration = false;
  /** The end by the durations that codecs say. */
  #codecEnd = Number.NEGATIVE_INFINITY;

  add(frame: Frame): void {
    const { track, timestamp, writtenDuration, size, keyframe } = frame;
    this.frames++;
    this.bytes += size;
    this.#begin = Math.min(this.#begin, timestamp);
    // What the stream says of durations counts alone where it says anything.
    this.#saysDuration ||= writtenDuration !== undefined;
    this.#end = Math.max(this.#end, timestamp + (writtenDuration ?? 0));
    if (!this.#saysDuration) this.#codecEnd = Math.max(this.#codecEnd, timestamp + (frame.duration ?? 0));
    if (keyframe && !this.codecStrings.has(track)) {
      const codec = track.codecString ?? track.toVideoDecoderConfig(frame.data)?.codec;
      if (codec !== undefined) this.codecStrings.set(track, codec);
    }
  }

  /** From the time of its first frame to the end of its last, or to the last one's time where no duration is known. */
  get durationUs(): number | undefined {
    const end = this.#saysDuration ? this.#end : this.#codecEnd;
    return this.frames === 0 ? undefined : exactUs(end - this.#begin);
  }
}

function jsonLine(fragment: Fragment, content: Content): string[] {
  const { fragmentNumber, millisBehindNow, continuationToken, tags, error, truncated } = fragment;
  const line = JSON.stringify({
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
  return [line];
}

function jsonTrack(track: TrackMetadata, content: Content) {
  const { number, uid, type, name, codecId, language, defaultDuration } = track;
  const audio = audioOf(track);
  return {
    number,
    uid: uid.toString(),
    type,
    name: name ?? null,
    codecId,
    codecString: codecStringOf(track, content) ?? null,
    language,
    defaultDurationUs: defaultDuration ?? null,
    video: videoOf(track) ?? null,
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

/** The Video element, or what frames show in its place. */
function videoOf(track: TrackMetadata): VideoSettings | undefined {
  const { video, format } = track;
  const isWrong = format.disagreements.some(({ rule }) => rule === 'VideoSize' || rule === 'VideoAspect');
  const shape = isWrong || video === undefined ? pictureShape(video, format.nal?.sps) : undefined;
  if (shape === undefined || track.type !== 'video') return video;
  const { width, height, displayWidth, displayHeight } = shape;
  return { pixelWidth: width, pixelHeight: height, displayWidth, displayHeight, displayUnit: 0 };
}

/** The Audio element, or what frames and their configuration show in its place. */
function audioOf(track: TrackMetadata): AudioSettings | undefined {
  const { audio, format } = track;
  const isWrong = format.disagreements.some(({ rule }) => rule === 'AudioSettings' || rule === 'CodecId');
  const config = isWrong ? track.toAudioDecoderConfig() : undefined;
  if (config === undefined) return audio;
  const bitDepth = format.pcm === undefined ? audio?.bitDepth : 8 * bytesOf(format.pcm.coding);
  const { sampleRate, numberOfChannels } = config;
  return { samplingFrequency: sampleRate, outputSamplingFrequency: undefined, channels: numberOfChannels, bitDepth };
}

function codecStringOf(track: TrackMetadata, content: Content): string | undefined {
  return track.codecString ?? content.codecStrings.get(track);
}

function textLines(fragment: Fragment, content: Content): string[] {
  const { fragmentNumber, millisBehindNow, continuationToken, serverTimestamp, producerTimestamp, error } = fragment;
  const lines = [fragmentNumber === undefined ? 'no fragment number' : `fragment ${printable(fragmentNumber)}`];
  const add = (text: string) => lines.push(`  ${text}`);
  if (producerTimestamp !== undefined) add(`recorded ${producerTimestamp.toISOString()}`);
  if (serverTimestamp !== undefined) add(`received ${serverTimestamp.toISOString()}`);
  const { durationUs } = content;
  const length = durationUs === undefined ? '' : `, ${seconds(durationUs)}`;
  add(`${count(content.frames, 'frame')}, ${count(content.bytes, 'byte')}${length}`);
  for (const track of fragment.tracks) add(trackText(track, codecStringOf(track, content)));
  for (const { name, value } of fragment.tags) add(`tag ${printable(name)} = ${printable(value)}`);
  if (millisBehindNow !== undefined) add(`${millisBehindNow} ms behind now`);
  if (continuationToken !== undefined) add(`continuation token ${printable(continuationToken)}`);
  if (error !== undefined) {
    const text = [error.code, error.id, error.message].filter((part) => part !== undefined && part !== '').join(', ');
    add(`${error.operation} error: ${printable(text)}`);
  }
  if (fragment.truncated) add('incomplete: bytes are missing');
  return lines;
}

function trackText(track: TrackMetadata, codecString: string | undefined): string {
  const { number, type, name, codecId } = track;
  const [video, audio] = [videoOf(track), audioOf(track)];
  const parts = [`track ${number}: ${type}`, printable(codecId)];
  if (codecString !== undefined) parts.push(printable(codecString));
  if (video !== undefined) parts.push(`${video.pixelWidth} x ${video.pixelHeight}`);
  if (audio !== undefined) parts.push(`${audio.samplingFrequency} Hz`, count(audio.channels, 'channel'));
  if (name !== undefined) parts.push(`"${printable(name)}"`);
  return parts.join(', ');
}
