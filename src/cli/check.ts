import { type CheckReport, checkStream } from '../check/check-stream.js';
import type { Finding } from '../check/finding.js';
import type { PlaybackOperation } from '../check/playability.js';
import { command, READ_OPTIONS, SelfContainedError } from './command.js';
import { SERVICE_OPTIONS } from './service.js';
import { openSource, SOURCE_ARGUMENTS } from './source.js';
import { LineOutput } from './terminal.js';
import { count } from './text.js';

const PLAYBACK_NAMES: readonly (readonly [PlaybackOperation, string])[] = [
  ['getClip', 'GetClip'],
  ['hls', 'HLS'],
  ['dash', 'DASH'],
  ['getImages', 'GetImages'],
];

/** `kvs check`: what is wrong with a stream, and who can play it. */
export const check = command({
  summary: 'print what is wrong with a stream, and which of GetClip, HLS, DASH and GetImages would take it',
  details:
    'Reads on after damage and checks every CRC-32, whether asked to or not. The exit code is 1 when a finding is an error.',
  arguments: SOURCE_ARGUMENTS,
  options: {
    ...READ_OPTIONS,
    strict: { type: 'boolean', help: 'let warnings count as errors' },
    summary: {
      type: 'boolean',
      help: 'with --json: print one more object, with what would play the stream and why not',
    },
    ...SERVICE_OPTIONS,
  },
  examples: [
    ['check camera.mkv', 'each finding in a line, then who can play it'],
    ['check camera.mkv --json', 'a JSON object for each finding'],
  ],
  async run({ values, positionals }) {
    const { input, progress } = await openSource(positionals, values);
    const output = new LineOutput();
    const describe = values.json === true ? jsonLine : textLine;
    let errors = 0;
    let report: CheckReport;
    try {
      report = await checkStream(progress.watch(input), {
        maxFindings: 0,
        onFinding(finding) {
          if (finding.severity === 'error' || (finding.severity === 'warning' && values.strict === true)) errors++;
          return output.line(describe(finding));
        },
      });
      if (values.json !== true) for (const line of summary(report)) await output.line(line);
      else if (values.summary === true) await output.line(jsonSummary(report));
    } finally {
      progress.end();
      await output.flush();
    }
    if (report.fragments === 0) throw input.foundNothing('there is no fragment in it');
    if (errors > 0) throw new SelfContainedError(`${count(errors, 'error')} found`);
  },
});

function jsonLine({ severity, rule, fragmentNumber, track, offset, message }: Finding): string {
  return JSON.stringify({
    severity,
    rule,
    fragmentNumber: fragmentNumber ?? null,
    track: track ?? null,
    offset,
    message,
  });
}

function textLine({ severity, rule, fragmentNumber, track, offset, message }: Finding): string {
  const where = [`byte ${offset}`];
  if (fragmentNumber !== undefined) where.push(`fragment ${fragmentNumber}`);
  if (track !== undefined) where.push(`track ${track}`);
  return `${severity} ${rule}: ${where.join(', ')}: ${message}`;
}

function jsonSummary({ fragments, frames, playable, obstacles }: CheckReport): string {
  return JSON.stringify({ fragments, frames, playable, obstacles });
}

function summary({ fragments, frames, playable, obstacles }: CheckReport): string[] {
  const lines = [`${count(fragments, 'fragment')}, ${count(frames, 'frame')}`];
  for (const [operation, name] of PLAYBACK_NAMES) {
    const reasons = obstacles[operation].join('; ');
    lines.push(playable[operation] ? `${name} would take it` : `${name} would not take it: ${reasons}`);
  }
  return lines;
}
