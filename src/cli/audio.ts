import { DecodeError, type MediaProblem } from '../decode/decode-error.js';
import type { ReadAudioOptions, TrackChoice } from '../decode/read-audio.js';
import { type WrittenWav, wavHeader, writeWav } from '../decode/wav.js';
import type { OutputRewrite } from '../merge/merge-options.js';
import type { MkvWarning } from '../mkv/reader-options.js';
import { command, FORCE_OPTION, READ_OPTIONS, readerOptions, UsageError } from './command.js';
import { interruption } from './interrupt.js';
import { type OutputFile, openOutput, reportMade } from './output-file.js';
import { rewritten } from './rewritten-output.js';
import { SERVICE_OPTIONS } from './service.js';
import { ServiceErrors } from './service-errors.js';
import { openSource } from './source.js';
import { tell } from './terminal.js';
import { exactUs, problemText } from './text.js';
import { TrackList } from './track-list.js';

const OPTIONS = {
  ...READ_OPTIONS,
  ...FORCE_OPTION,
  track: {
    type: 'string',
    value: 'NAME|N[,...]',
    help: 'the track, or several tracks that become the channels of the output; default: the first audio track',
  },
  rate: { type: 'string', value: 'HZ', help: 'the sample rate in Hz; default: that of the recording' },
  format: {
    type: 'string',
    choices: ['wav', 'pcm'],
    help: 'the output format; default: from the extension of OUT, wav for -',
  },
  gaps: {
    type: 'string',
    choices: ['silence', 'report'],
    help: 'if sound is missing: write silence of the same length, or write nothing; gaps are always reported; default: silence',
  },
  'end-on': { type: 'string', value: 'TAG', help: 'stop before the fragment in which the value of this tag changes' },
  ...SERVICE_OPTIONS,
} as const;

/** `kvs audio`: the sound of a stream as a WAV file, or as samples alone. */
export const audio = command({
  summary: 'write the sound of a stream as WAV or 16-bit PCM',
  details:
    'PCM and G.711 need no decoder. Other codecs require the package @napi-rs/webcodecs, or ffmpeg on the PATH. --rate requires the ' +
    'package @alexanderolsen/libsamplerate-js. The header of a WAV file on standard output does not contain its length.',
  arguments: {
    '[FILE]': 'a Matroska file, - for standard input, or a URL; omit it with --stream',
    '[OUT]': 'the file to write (.wav or .pcm), or - for standard output',
  },
  options: OPTIONS,
  examples: [
    ['audio call.mkv customer.wav --track AUDIO_FROM_CUSTOMER', 'one direction of a call'],
    ['audio call.mkv call.wav --track AUDIO_FROM_CUSTOMER,AUDIO_TO_CUSTOMER', 'both directions, as two channels'],
    ['audio --stream door --live - --rate 16000 | ffplay -', 'play the sound of a live stream'],
  ],
  async run({ values, positionals }) {
    const words = [...positionals];
    const out = words.pop();
    if (out === undefined || (values.stream === undefined && words.length === 0))
      throw new UsageError('OUT is missing');
    const isWav = formatOf(out, values.format) === 'wav';
    const options = audioOptions(values);
    const { name, input, progress } = await openSource(words, values);
    const reader = readerOptions(name, values);
    let isTruncated = false;
    const onWarning = (warning: MkvWarning) => {
      isTruncated ||= warning.code === 'Truncated';
      reader.onWarning?.(warning);
    };
    const rewrites: OutputRewrite[] = [];
    const output = await openSoundOutput(out, isWav, rewrites, { input: words[0], force: values.force });
    const errors = new ServiceErrors(name);
    const tracks = new TrackList();
    const { recover } = values;
    let written: WrittenWav;
    try {
      let headerBytes = isWav ? 0 : undefined;
      const write = (bytes: Uint8Array) => {
        // Of PCM, the header is left out.
        if (headerBytes !== undefined) return output.write(bytes);
        headerBytes = bytes.length;
        return undefined;
      };
      const canRewrite = isWav && output.beside !== undefined;
      written = await writeWav(progress.watch(errors.watch(tracks.watch(input))), write, {
        ...reader,
        ...options,
        onWarning,
        onProblem: (problem: MediaProblem) => tell(`${name}: ${problemText(problem)}`),
        // A stream ends by itself, with what has come, when the process is told to stop.
        signal: values.stream === undefined ? interruption : undefined,
        ...(canRewrite ? { rewrite: (rewrite: OutputRewrite) => rewrites.push(rewrite) } : {}),
      });
      if (isTruncated && recover !== true) {
        throw new Error('the input ends inside a fragment; use --recover to keep what arrived');
      }
      errors.expectNone(recover);
      await output.finish();
    } catch (error) {
      await output.abandon();
      throw isNothing(error) ? input.foundNothing(tracks.explain(error.message)) : input.explain(error);
    } finally {
      progress.end();
    }
    await reportMade(output, values.json === true ? jsonText(written, isWav) : summaryText(written, isWav));
  },
});

function isNothing(error: unknown): error is DecodeError {
  return error instanceof DecodeError && error.code === 'NoTrack';
}

/** A WAV file has its length in its first bytes: they are written when it is known, where that can be done. */
async function openSoundOutput(
  out: string,
  isWav: boolean,
  rewrites: readonly OutputRewrite[],
  options: { readonly input: string | undefined; readonly force: boolean | undefined },
): Promise<OutputFile> {
  const output = await openOutput(out, options);
  return isWav && output.beside !== undefined ? rewritten(output, rewrites) : output;
}

function formatOf(out: string, asked: string | undefined): string {
  if (asked !== undefined) return asked;
  const [, ending] = /\.(wav|wave|pcm|raw)$/i.exec(out) ?? [];
  if (ending !== undefined) return ending.toLowerCase().startsWith('w') ? 'wav' : 'pcm';
  if (out === '-' || !/\.[^./\\]*$/.test(out)) return 'wav';
  throw new UsageError(`OUT ${out}: must end with .wav or .pcm, or use --format`);
}

type AudioValues = {
  readonly track?: string;
  readonly rate?: string;
  readonly gaps?: string;
  readonly 'end-on'?: string;
};

function audioOptions({ track, rate, gaps, 'end-on': endOn }: AudioValues): ReadAudioOptions<'s16'> {
  if (rate !== undefined && !(/^[1-9]\d{0,5}$/.test(rate) && Number(rate) <= MOST_RATE)) {
    throw new UsageError(`--rate ${rate}: must be a number from 1 to ${MOST_RATE}`);
  }
  return {
    track: track === undefined ? undefined : tracksOf(track),
    sampleRate: rate === undefined ? undefined : Number(rate),
    gaps: gaps === 'report' ? 'report' : 'silence',
    endOn,
  };
}

const MOST_RATE = 768_000;

function tracksOf(text: string): TrackChoice[] {
  const words = text.split(',').map((word) => word.trim());
  if (words.includes('')) throw new UsageError(`--track ${text}: a track is missing between the commas`);
  return words.map((word) => (/^[1-9]\d*$/.test(word) ? Number(word) : word));
}

function bytesOf(written: WrittenWav, isWav: boolean): number {
  return isWav ? wavHeader(written).length + written.dataBytes : written.dataBytes;
}

function jsonText(written: WrittenWav, isWav: boolean): string {
  const { sampleRate, numberOfChannels, numberOfFrames, duration } = written;
  const bytes = bytesOf(written, isWav);
  return JSON.stringify({ sampleRate, numberOfChannels, numberOfFrames, durationUs: exactUs(duration), bytes });
}

function summaryText(written: WrittenWav, isWav: boolean): string {
  const { sampleRate, numberOfChannels, duration } = written;
  const shape = `${sampleRate} Hz; channels: ${numberOfChannels}`;
  return `${shape}; seconds: ${(duration / 1e6).toFixed(3)}; bytes: ${bytesOf(written, isWav)}`;
}
