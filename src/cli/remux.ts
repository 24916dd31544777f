import { type Mp4RemuxError, mp4SegmentStream, remuxToMp4 } from '../mp4/index.js';
import { type Command, parseWords, READ_OPTIONS, READ_USAGE, readerOptions } from './command.js';
import { FileSpool } from './file-spool.js';
import { openInput } from './input.js';
import { writeOut } from './output.js';
import { type OutputFile, openOutput } from './output-file.js';
import { Progress } from './progress.js';
import { TRACK_USAGE, trackFilter } from './track-option.js';

const OPTIONS = {
  ...READ_OPTIONS,
  fragmented: { type: 'boolean' },
  track: { type: 'string', multiple: true },
  'start-at-zero': { type: 'boolean' },
} as const;

/** What has been made. */
interface Summary {
  fragments: number;
  invalidFragments: number;
  bytes: number;
  durationUs: number;
  mimeType: string;
  /** Tracks that are not in it, and why. */
  leftOut: string[];
  truncated: boolean;
}

/** `kvs remux`: MP4 without encoding anything again. */
export const remux: Command = {
  usage: `FILE OUT.mp4 [--fragmented] [--track ${TRACK_USAGE}]… [--start-at-zero] ${READ_USAGE}`,
  summary:
    'remuxes H.264, H.265, AAC and G.711 to MP4: moov first, which begins at 0, or fragmented; OUT may be - for standard output',
  options: OPTIONS,
  async run(words) {
    const { values, positionals } = parseWords(words, OPTIONS, ['FILE', 'OUT.mp4']);
    const [file = '-', out = '-'] = positionals;
    const tell = (error: Mp4RemuxError) => void process.stderr.write(`kvs: ${file}: left out: ${error.message}\n`);
    const options = {
      ...readerOptions(file, values),
      tracks: trackFilter(values.track),
      startAtZero: values['start-at-zero'],
      onTrackLeftOut: tell,
      ...(values.recover === true ? { onInvalidFragment: tell } : {}),
    };
    const output = await openOutput(out);
    const progress = await Progress.through(file);
    let summary: Summary;
    try {
      const input = progress.watch(openInput(file));
      const make = values.fragmented === true ? writeFragmented : writeProgressive;
      summary = await make(input, output, out, options);
      if (summary.truncated && values.recover !== true) {
        throw new Error('the input ends inside a fragment; with --recover, what had arrived is kept');
      }
      await output.finish();
    } catch (error) {
      await output.abandon();
      throw error;
    } finally {
      progress.end();
    }
    const text = values.json === true ? JSON.stringify(summary) : summaryText(summary);
    if (out === '-') process.stderr.write(`${text}\n`);
    else await writeOut(`${text}\n`);
  },
};

type Options = Parameters<typeof mp4SegmentStream>[1];

async function writeProgressive(
  input: AsyncIterable<Uint8Array>,
  output: OutputFile,
  out: string,
  options: Options,
): Promise<Summary> {
  const spool = await FileSpool.beside(out);
  try {
    const result = await remuxToMp4(input, (bytes) => output.write(bytes), { ...options, spool });
    const { fragments, invalidFragments, bytes, duration, mimeType, truncated } = result;
    const leftOut = result.leftOut.map(({ message }) => message);
    return { fragments, invalidFragments, bytes, durationUs: duration, mimeType, leftOut, truncated };
  } finally {
    await spool.close();
  }
}

async function writeFragmented(
  input: AsyncIterable<Uint8Array>,
  output: OutputFile,
  _out: string,
  options: Options,
): Promise<Summary> {
  const summary: Summary = {
    fragments: 0,
    invalidFragments: 0,
    bytes: 0,
    durationUs: 0,
    mimeType: '',
    leftOut: [],
    truncated: false,
  };
  const leftOut = new Map<number | undefined, string>();
  const codecs = new Map<string, 'video' | 'audio'>();
  let start: number | undefined;
  const onInvalidFragment =
    options?.onInvalidFragment === undefined
      ? undefined
      : (error: Mp4RemuxError) => {
          summary.invalidFragments++;
          options.onInvalidFragment?.(error);
        };
  const onTrackLeftOut = (error: Mp4RemuxError) => {
    leftOut.set(error.trackNumber, error.message);
    options?.onTrackLeftOut?.(error);
  };
  for await (const segment of mp4SegmentStream(input, { ...options, onInvalidFragment, onTrackLeftOut })) {
    await output.write(segment.bytes);
    summary.bytes += segment.bytes.length;
    if (segment.type === 'init') {
      for (const { track, codec, kind } of segment.tracks) {
        codecs.set(codec, kind);
        leftOut.delete(track.number);
      }
      continue;
    }
    summary.fragments++;
    summary.truncated ||= segment.truncated;
    start ??= segment.tracks.reduce((first, track) => Math.min(first, track.start), Number.POSITIVE_INFINITY);
    const end = segment.tracks.reduce((last, track) => Math.max(last, track.start + track.duration), start);
    summary.durationUs = end - start;
  }
  const kind = [...codecs.values()].includes('video') ? 'video' : 'audio';
  summary.mimeType = `${kind}/mp4; codecs="${[...codecs.keys()].join()}"`;
  summary.leftOut = [...leftOut.values()];
  if (summary.fragments === 0) throw new Error('there are no frames of video or audio');
  return summary;
}

function summaryText({ fragments, invalidFragments, bytes, durationUs, mimeType, truncated }: Summary): string {
  const left = invalidFragments === 0 ? '' : `, ${invalidFragments} left out`;
  const cut = truncated ? '; the last one is cut short' : '';
  return `fragments: ${fragments}${left}; seconds: ${(durationUs / 1e6).toFixed(3)}; bytes: ${bytes}; ${mimeType}${cut}`;
}
