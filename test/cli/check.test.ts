import { describe, expect, it } from 'vitest';
import { writeGetMediaFragment } from '../../src/testing/get-media-writer.js';
import { jsonLines, kvs } from '../support/cli.js';
import { fragmentInput } from '../support/kvs-documents.js';

interface FindingLine {
  readonly severity: string;
  readonly rule: string;
  readonly fragmentNumber: string | null;
  readonly track: number | null;
  readonly offset: number;
  readonly message: string;
}

const file = (name: string) => `test/cases/${name}`;

describe('kvs check', () => {
  it('prints a line for each finding, then who can play it, and exits with 1 for an error', () => {
    const run = kvs(['check', file('connect-5.mkv')]);
    expect(run.status).toBe(1);
    const lines = run.stdout.trimEnd().split('\n');
    expect(lines.filter((line) => line.startsWith('error CodecId: byte '))).toHaveLength(10);
    expect(lines).toContain('5 fragments, 170 frames');
    expect(lines.at(-1)).toMatch(/^GetImages would not accept it: track 1 .* is no video/);
    expect(run.stderr).toContain('10 errors found');
  });

  it('prints an object for each finding with --json, and the summary on request', () => {
    const run = kvs(['check', file('av-codecs--h264+opus.mkv'), '--json']);
    expect(run.status).toBe(0);
    const lines = jsonLines<FindingLine>(run);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toEqual({
      severity: 'warning',
      rule: 'UnsupportedCodec',
      fragmentNumber: null,
      track: 2,
      offset: 0,
      message: 'the service does not play "A_OPUS" (opus)',
    });
    const [summary] = jsonLines<object>(kvs(['check', file('single-frame--fps1.mkv'), '--json', '--summary']));
    expect(summary).toMatchObject({ fragments: 12, frames: 12, playable: { getClip: true, hls: true } });
  });

  it('lets warnings count as errors with --strict', () => {
    expect(kvs(['check', file('silent-audio--never.mkv')]).status).toBe(0);
    expect(kvs(['check', file('silent-audio--never.mkv'), '--strict']).status).toBe(1);
  });

  it('reads standard input, goes on after damage and names the place', () => {
    const [first, second] = [0, 1].map((index) => writeGetMediaFragment(fragmentInput(index)));
    const run = kvs(['check', '-', '--json'], Buffer.concat([first!, new Uint8Array(50).fill(0xff), second!]));
    const lines = run.stdout
      .trimEnd()
      .split('\n')
      .map((line): FindingLine => JSON.parse(line));
    const damage = lines.filter(({ rule }) => rule === 'Damage');
    expect(damage.map(({ offset }) => offset)).toEqual([first!.length]);
    expect(run.status).toBe(1);
  });

  it('says what is no Matroska, and what is empty', () => {
    const text = kvs(['check', 'package.json']);
    expect(text.status).toBe(1);
    expect(text.stderr).toContain('package.json: this is JSON, not Matroska');
    expect(kvs(['check', '-'], new Uint8Array(0)).stderr).toContain('the input is empty');
  });

  it('lets no text of the stream steer the terminal', () => {
    const bytes = writeGetMediaFragment(fragmentInput(0, { tags: [['AWS_\u001b[31m\u202e', 'value']] }));
    const { stdout } = kvs(['check', '-'], bytes);
    expect(stdout).toContain('TagName');
    for (const character of ['\u001b', '\u202e']) expect(stdout).not.toContain(character);
  });
});
