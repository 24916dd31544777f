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
  summary: 'print what is wrong with a stream, and whether GetClip, HLS, DASH and GetImages would accept it',
  details:
    'Always continues after damage and always verifies every CRC-32 checksum. The exit code is 1 if a finding is an error.',
  arguments: SOURCE_ARGUMENTS,
  options: {
    ...READ_OPTIONS,
    strict: { type: 'boolean', help: 'treat warnings as errors' },
    summary: {
      type: 'boolean',
      help: 'with --json, print one more object that says what would accept the stream, and why not',
    },
    ...SERVICE_OPTIONS,
  },
  examples: [
    ['check camera.mkv', 'one line per finding, then what would accept the stream'],
    ['check camera.mkv --json', 'one JSON object per finding'],
  ],
  async run({ values, positionals }) {
    const { input, progress } = await openSource(positionals, values);
    const output = new LineOutput();
    const describe = values.json === true ? jsonLine : textLine;
    let errors = 0;
    let report: CheckReport;
    // What is wrong with the bytes of another format says nothing; Matroska may follow it all the same.
    const held: string[] = [];
    let holds = true;
    const release = async () => {
      for (const line of held.splice(0)) await output.line(line);
    };
    try {
      report = await checkStream(progress.watch(input), {
        maxFindings: 0,
        onFinding(finding) {
          if (finding.severity === 'error' || (finding.severity === 'warning' && values.strict === true)) errors++;
          held.push(describe(finding));
          holds &&= input.foreign !== undefined && held.length < MOST_HELD;
          return holds ? undefined : release();
        },
      });
      if (report.fragments === 0) throw input.foundNothing('it contains no fragment');
      await release();
      if (values.json !== true) for (const line of summary(report)) await output.line(line);
      else if (values.summary === true) await output.line(jsonSummary(report));
    } finally {
      progress.end();
      await output.flush();
    }
    if (errors > 0) throw new SelfContainedError(`${count(errors, 'error')} found`);
  },
});

/** The most findings that wait until it is known whether there is a fragment. */
const MOST_HELD = 1000;

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
    lines.push(playable[operation] ? `${name} would accept it` : `${name} would not accept it: ${reasons}`);
  }
  return lines;
}
