import { rawSound } from '../../decode/raw-audio.js';
import type { AudioDecoderSettings } from '../../mkv/decoder-config.js';
import type { EncodedRun } from '../protocol.js';

/** The loudest and the quietest sample of a span of time. */
export interface Peak {
  /** Presentation time, in microseconds. */
  readonly time: number;
  /** In microseconds. */
  readonly duration: number;
  readonly least: number;
  readonly most: number;
}

/** Why there is no sound, in words for a user. */
class SoundError extends Error {}

/** Peaks of a run of encoded frames. */
export async function peaksOf(run: EncodedRun, signal: AbortSignal): Promise<Peak[]> {
  const { audio, raw } = run;
  if (raw !== undefined) {
    return run.frames.flatMap(({ chunk: { data, timestamp } }) => {
      const { samples, sampleRate, numberOfChannels } = rawSound(data, raw);
      return peaksOfSamples(samples, timestamp, sampleRate, numberOfChannels);
    });
  }
  if (audio === undefined) throw new SoundError(run.problem ?? 'the codec of this track is not known');
  return decodedPeaks(run, audio, signal);
}

/** How many frames of samples a peak is of. */
const STEP = 256;

function peaksOfSamples(samples: Float32Array, timestamp: number, sampleRate: number, channels: number): Peak[] {
  const peaks: Peak[] = [];
  const step = STEP * channels;
  for (let from = 0; from < samples.length; from += step) {
    let least = 1;
    let most = -1;
    const to = Math.min(from + step, samples.length);
    for (let index = from; index < to; index++) {
      const value = samples[index]!;
      if (value < least) least = value;
      if (value > most) most = value;
    }
    const time = timestamp + ((from / channels) * 1e6) / sampleRate;
    peaks.push({ time, duration: (((to - from) / channels) * 1e6) / sampleRate, least, most });
  }
  return peaks;
}

/** Frames in a row: a decoder counts samples from the first one on, and would close the gaps between. */
function rowsOfFrames(frames: EncodedRun['frames']): EncodedRun['frames'][] {
  const rows: EncodedRun['frames'][number][][] = [];
  let last: number | undefined;
  let step: number | undefined;
  for (const frame of frames) {
    const { timestamp } = frame.chunk;
    const distance = last === undefined ? undefined : timestamp - last;
    const isNext = distance !== undefined && distance > 0 && (step === undefined || distance < step * 2.5);
    if (isNext) step = Math.min(step ?? distance, distance);
    const row = rows.at(-1);
    if (row === undefined || !isNext) rows.push([frame]);
    else row.push(frame);
    last = timestamp;
  }
  return rows;
}

async function decodedPeaks(run: EncodedRun, audio: AudioDecoderSettings, signal: AbortSignal): Promise<Peak[]> {
  if (typeof AudioDecoder === 'undefined') {
    throw new SoundError('this browser cannot decode sound for pages: it has no AudioDecoder here');
  }
  const { supported } = await AudioDecoder.isConfigSupported(audio).catch(() => ({ supported: false }));
  if (!supported) throw new SoundError(`this browser cannot decode ${audio.codec}`);
  const peaks: Peak[] = [];
  let problem: DOMException | undefined;
  for (const row of rowsOfFrames(run.frames)) {
    signal.throwIfAborted();
    problem = (await decodeRow(row, audio, peaks)) ?? problem;
  }
  if (peaks.length === 0 && problem !== undefined) throw new SoundError(`the decoder refuses it: ${problem.message}`);
  return peaks;
}

/** Decodes frames in a row; gives what the decoder objects to. */
async function decodeRow(
  frames: EncodedRun['frames'],
  audio: AudioDecoderSettings,
  peaks: Peak[],
): Promise<DOMException | undefined> {
  let problem: DOMException | undefined;
  const decoder = new AudioDecoder({
    output(sound) {
      const { numberOfFrames, sampleRate, timestamp } = sound;
      const samples = new Float32Array(numberOfFrames);
      // The first channel stands for all of them.
      sound.copyTo(samples, { planeIndex: 0, format: 'f32-planar' });
      sound.close();
      for (const peak of peaksOfSamples(samples, timestamp, sampleRate, 1)) peaks.push(peak);
    },
    error(error) {
      problem = error;
    },
  });
  try {
    decoder.configure(audio);
    for (const { chunk } of frames) {
      if (problem !== undefined) break;
      // Each frame of sound can be decoded by itself.
      decoder.decode(new EncodedAudioChunk({ ...chunk, type: 'key' }));
    }
    await decoder.flush();
  } catch (error) {
    problem ??= error instanceof DOMException ? error : new DOMException(String(error));
  } finally {
    if (decoder.state !== 'closed') decoder.close();
  }
  return problem;
}
