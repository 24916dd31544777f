import type { Mp4RemuxError, Mp4StreamOptions } from '../mp4/index.js';
import { command, FORCE_OPTION, READ_OPTIONS, readerOptions } from './command.js';
import { FileSpool } from './file-spool.js';
import { openInput } from './input.js';
import { type OutputFile, openOutput, reportMade } from './output-file.js';
import { Progress } from './progress.js';
import { SegmentFiles } from './segment-files.js';
import { ServiceErrors } from './service-errors.js';
import { tell } from './terminal.js';
import { exactUs } from './text.js';
import { TrackList } from './track-list.js';
import { missingTracks, TRACK_USAGE, trackFilter } from './track-option.js';

const OPTIONS = {
  ...READ_OPTIONS,
  ...FORCE_OPTION,
  fragmented: {
    type: 'boolean',
    help: 'write fragmented MP4, with one segment per fragment; if tracks change, continue in OUT-2.mp4',
  },
  track: {
    type: 'string',
    multiple: true,
    value: TRACK_USAGE,
    help: 'only these tracks; can be repeated',
  },
  'start-at-zero': {
    type: 'boolean',
    help: 'with --fragmented, start at 0; without --fragmented, the output always does',
  },
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
  /** With `--fragmented`: how many initialization segments have been written. */
  initializations?: number;
  /** Where it did not all fit in one file: their names. */
  files?: readonly string[];
}

/** `kvs remux`: MP4 without encoding anything again. */
export const remux = command({
  summary: 'remux H.264, H.265, AAC and G.711 to MP4, without re-encoding',
  arguments: {
    FILE: 'a Matroska file, - for standard input, or a URL',
    'OUT.mp4': 'the file to write, or - for standard output',
  },
  options: OPTIONS,
  examples: [
    ['remux camera.mkv camera.mp4', 'write an MP4 that can be played while it is downloaded'],
    ['remux - - --fragmented < camera.mkv | ffplay -', 'write each segment as soon as its fragment is complete'],
  ],
  async run({ values, positionals }) {
    const [file = '-', out = '-'] = positionals;
    const onInvalidFragment = (error: Mp4RemuxError) => tell(`${file}: left out: ${error.message}`);
    const options = {
      ...readerOptions(file, values),
      tracks: trackFilter(values.track),
      startAtZero: values['start-at-zero'],
      onTrackLeftOut: onInvalidFragment,
      ...(values.recover === true ? { onInvalidFragment } : {}),
    };
    const input = openInput(file);
    const output = await openOutput(out, { input: file, force: values.force });
    const errors = new ServiceErrors(file);
    const tracks = new TrackList();
    const progress = await Progress.through(file);
    const segments =
      values.fragmented === true ? new SegmentFiles(output, out, { input: file, force: values.force }) : undefined;
    let summary: Summary;
    try {
      const watched = progress.watch(errors.watch(tracks.watch(input)));
      summary = await (segments === undefined
        ? writeProgressive(watched, output, options)
        : writeFragmented(watched, segments, options));
      if (summary.truncated && values.recover !== true) {
        throw new Error('the input ends inside a fragment; use --recover to keep what arrived');
      }
      errors.expectNone(values.recover);
      await output.finish();
      await segments?.finish();
    } catch (error) {
      await segments?.abandon();
      await output.abandon();
      throw isNothing(error)
        ? input.foundNothing(tracks.explain(missingTracks(values.track) ?? error.message))
        : input.explain(error);
    } finally {
      progress.end();
    }
    const change = `${file}: the tracks or their configuration change`;
    const inOne = 'without --fragmented, one MP4 contains everything';
    if (summary.files !== undefined)
      tell(`${change}: what follows is in ${summary.files.slice(1).join(', ')} (${inOne})`);
    else if ((summary.initializations ?? 1) > 1) {
      const many = `${summary.initializations} initialization segments, but file players read only the first`;
      tell(`${change}: ${many} (${inOne})`);
    }
    summary.durationUs = exactUs(summary.durationUs);
    await reportMade(output, values.json === true ? JSON.stringify(summary) : summaryText(summary));
  },
});

/** Whether the input had nothing to remux. */
function isNothing(error: unknown): error is Error {
  return error instanceof Error && error.message.endsWith(NOTHING);
}

const NOTHING = 'there are no frames of video or audio';

type Options = Mp4StreamOptions | undefined;

/** Other commands need not wait for mp4box, which is large. */
const loadMp4 = () => import('../mp4/index.js');

async function writeProgressive(
  input: AsyncIterable<Uint8Array>,
  output: OutputFile,
  options: Options,
): Promise<Summary> {
  const { remuxToMp4 } = await loadMp4();
  const spool = await FileSpool.beside(output);
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
  files: SegmentFiles,
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
  const { mp4SegmentStream } = await loadMp4();
  for await (const segment of mp4SegmentStream(input, { ...options, onInvalidFragment, onTrackLeftOut })) {
    if (segment.type === 'init') {
      files.init(segment);
      for (const { track, codec, kind } of segment.tracks) {
        codecs.set(codec, kind);
        leftOut.delete(track.number);
      }
      continue;
    }
    await files.media(segment.bytes);
    summary.fragments++;
    summary.truncated ||= segment.truncated;
    start ??= segment.tracks.reduce((first, track) => Math.min(first, track.start), Number.POSITIVE_INFINITY);
    const end = segment.tracks.reduce((last, track) => Math.max(last, track.start + track.duration), start);
    summary.durationUs = end - start;
  }
  const kind = [...codecs.values()].includes('video') ? 'video' : 'audio';
  summary.mimeType = `${kind}/mp4; codecs="${[...codecs.keys()].join()}"`;
  summary.leftOut = [...leftOut.values()];
  summary.bytes = files.bytes;
  summary.initializations = files.initializations;
  if (files.paths.length > 1) summary.files = files.paths;
  if (summary.fragments === 0) throw new Error(NOTHING);
  return summary;
}

function summaryText({ fragments, invalidFragments, bytes, durationUs, mimeType, truncated }: Summary): string {
  const left = invalidFragments === 0 ? '' : `, ${invalidFragments} left out`;
  const cut = truncated ? '; the last fragment is incomplete' : '';
  return `fragments: ${fragments}${left}; seconds: ${(durationUs / 1e6).toFixed(3)}; bytes: ${bytes}; ${mimeType}${cut}`;
}
