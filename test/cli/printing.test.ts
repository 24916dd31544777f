import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fitted, harmless, printable } from '../../src/cli/text.js';
import { concatBytes } from '../../src/ebml/writer.js';
import { writeGetMediaFragment } from '../../src/testing/get-media-writer.js';
import { kvs } from '../support/cli.js';
import { describeNeeding, tools } from '../support/tools.js';

/** Escape sequences in 7 and in 8 bits, DEL, a change of direction, characters of no width, a line separator, a new line of our own. */
const HOSTILE = 'a\x1b[31m\x07\r\n\x7f\x9b2J\u202eb\u200b\u2066\ufeff\u2028kvs: forged';
/** What no output may have, but for the newline at the end of a line. */
const UNSAFE = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;

/** Erases to the end of the line. */
const ERASE = '\x1b[K';

let folder = '';
let hostile = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kvs-printing-'));
  hostile = join(folder, `${HOSTILE.replaceAll('/', '')}.mkv`);
  const fragment = {
    tracks: [{ number: 1, codecId: HOSTILE, name: HOSTILE }],
    tags: [[HOSTILE, HOSTILE]] as [string, string][],
    fragmentNumber: HOSTILE,
    continuationToken: HOSTILE,
    millisBehindNow: 0,
    blocks: [{ track: 1, timestamp: 0, frames: [Uint8Array.of(1, 2, 3)] }],
  };
  writeFileSync(hostile, writeGetMediaFragment(fragment));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('text of a stream on a terminal', () => {
  it('is harmless whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary-ascii' }), (one, other) => {
        for (const text of [harmless(one + other), printable(one + other), JSON.parse(`"${printable('')}"`)]) {
          expect(UNSAFE.test(text) || text.includes('\n')).toBe(false);
        }
        expect(JSON.parse(harmless(JSON.stringify(one)))).toBe(one);
      }),
    );
  });

  it.each([
    ['inspect'],
    ['inspect', '--json'],
    ['fragments'],
    ['fragments', '--json'],
    ['frames'],
    ['frames', '--json'],
    ['frames', '--track', '9'],
    ['merge', join('nowhere', HOSTILE)],
    ['remux', join('nowhere', HOSTILE)],
    ['frames', '--hash', HOSTILE],
    ['frames', `--${HOSTILE}`],
    [HOSTILE],
    ['record', '--stream', HOSTILE, '--out', HOSTILE, '--start', HOSTILE],
    ['serve', '--stream', HOSTILE],
    ['serve', '--host', HOSTILE],
  ])('kvs %j', (name, ...words) => {
    const { stdout, stderr } = kvs([name, hostile, ...words]);
    expect(stdout + stderr).not.toBe('');
    expect(stdout + stderr).not.toMatch(UNSAFE);
    // A line that a stream made up would begin like ours.
    expect(`${stdout}${stderr}`).not.toMatch(/^kvs: forged/m);
  });

  it.each([
    ['merge', join(tmpdir(), `kvs-none-${process.pid}`, 'out')],
    ['remux', join(tmpdir(), `kvs-none-${process.pid}`, 'out')],
  ])('kvs %s names the codec and the file so', (name, out) => {
    const other = { tracks: [{ number: 1, codecId: `${HOSTILE}2` }], fragmentNumber: '2', blocks: [] };
    const input = concatBytes([readFileSync(hostile), writeGetMediaFragment(other)]);
    for (const words of [[out], ['-']]) {
      const { stderr } = kvs([name, '-', ...words], input);
      expect(stderr).not.toBe('');
      expect(stderr).not.toMatch(UNSAFE);
    }
  });

  it('goes through one place', () => {
    for (const name of readdirSync('src/cli')) {
      if (name === 'terminal.ts') continue;
      expect(readFileSync(join('src/cli', name), 'utf8'), name).not.toMatch(/console\.|process\.(stdout|stderr)/);
    }
  });
});

describe('a line that shows how far work has come', () => {
  it('is cut to the width of the terminal, in its middle', () => {
    expect(fitted('short', 10)).toBe('short');
    expect(fitted('/a/very/long/path/of/a/file.mkv: 5 MB', 20)).toMatch(/^\/a\/ver…[^…]*: 5 MB$/);
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 3, max: 40 }), (text, columns) => {
        expect(fitted(text, columns).length).toBeLessThanOrEqual(Math.max(columns, 0));
      }),
    );
  });
});

describeNeeding('kvs in a terminal', [tools('script')], () => {
  /** What a terminal of so many columns is shown. */
  function inTerminal(columns: number, line: string): string {
    const command = `stty cols ${columns} rows 24; ${line}`;
    const { stdout, status } = spawnSync('script', ['-qec', command, '/dev/null'], {
      encoding: 'utf8',
      maxBuffer: 1 << 26,
    });
    expect(status).toBe(0);
    return stdout;
  }

  /** What is left on the screen, by the few things that we send: CR, LF and "erase to the end of the line". */
  function screen(output: string, columns: number): string[] {
    const lines = [''];
    let column = 0;
    for (const token of output.replaceAll(ERASE, '\f')) {
      const last = lines.length - 1;
      if (token === '\r') column = 0;
      else if (token === '\n') {
        lines.push('');
        column = 0;
      } else if (token === '\f') lines[last] = lines[last]!.slice(0, column);
      else {
        if (column === columns) throw new Error(`a line wraps: ${lines[last]}`);
        lines[last] = lines[last]!.slice(0, column).padEnd(column) + token + lines[last]!.slice(column + 1);
        column++;
      }
    }
    return lines;
  }

  it('leaves nothing of its progress among the lines, however long the path is', () => {
    const deep = join(folder, 'x'.repeat(150));
    const many = readFileSync('examples/recording/camera.mkv');
    writeFileSync(`${deep}.mkv`, concatBytes(Array.from({ length: 60 }, () => many)));
    const line = `"${process.execPath}" dist/cli/main.js fragments "${deep}.mkv"`;
    const shown = inTerminal(60, line);
    expect(shown).toMatch(/MB/);
    const expected = kvs(['fragments', `${deep}.mkv`]).stdout;
    // Lines of the listing may be wider than the terminal; those of the progress may not.
    const left = screen(shown, Number.POSITIVE_INFINITY);
    expect(left.join('\n').trimEnd()).toBe(expected.trimEnd());
    const statuses = shown.split(`\r${ERASE}`).flatMap((part) => /^kvs: [^\r\n]*/.exec(part) ?? []);
    expect(statuses.length).toBeGreaterThan(0);
    for (const status of statuses) expect(status.length).toBeLessThan(60);
  });

  it('does not write media to a terminal', () => {
    const command = `"${process.execPath}" dist/cli/main.js merge examples/recording/camera.mkv - ; test $? -eq 2`;
    expect(inTerminal(80, command)).toMatch(/standard output is a terminal/);
  });
});
