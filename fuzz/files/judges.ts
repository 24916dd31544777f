import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findTool, type Tool } from '../../test/support/tools.js';

let folder: string | undefined;
let judged = 0;

/** How many files were shown to programs that others wrote. */
export function judgements(): number {
  return judged;
}

/** Whether the programs are there. */
export function hasJudges(): boolean {
  return findTool('ffprobe') !== undefined && findTool('mkvinfo') !== undefined;
}

/** What ffprobe says of a file while it reads all packets; lines of decoders, which look into frames, do not count. */
export function ffprobeComplaints(bytes: Uint8Array, format: 'matroska' | 'mp4'): { lines: string[]; packets: number } {
  const args = [
    '-v',
    'error',
    '-f',
    format === 'mp4' ? 'mov' : 'matroska',
    '-show_entries',
    'packet=size',
    '-of',
    'csv',
  ];
  const { status, stdout, stderr } = run('ffprobe', args, bytes, format);
  const demuxer = format === 'mp4' ? /^\[mov,mp4/ : /^\[matroska,webm/;
  const lines = stderr.split('\n').filter((line) => demuxer.test(line));
  if (status !== 0)
    lines.push(
      `exit ${status}: ${
        stderr
          .split('\n')
          .filter((line) => line !== '')
          .at(-1) ?? ''
      }`,
    );
  return {
    lines: lines.map(withoutAddress),
    packets: stdout.split('\n').filter((line) => line.startsWith('packet')).length,
  };
}

/** What mkvinfo finds wrong in a file of one document. */
export function mkvinfoComplaints(bytes: Uint8Array): string[] {
  const { status, stdout, stderr } = run('mkvinfo', [], bytes, 'mkv');
  const lines = [...stdout.split('\n'), ...stderr.split('\n')].filter(
    (line) => /error|invalid|not a |damaged/i.test(line) && !/^\|? *\+ /.test(line),
  );
  if (status !== 0 && lines.length === 0) lines.push(`exit ${status}`);
  return lines.map(withoutAddress);
}

function run(tool: Tool, args: readonly string[], bytes: Uint8Array, extension: string) {
  const path = findTool(tool);
  if (path === undefined) throw new Error(`${tool} is not on PATH`);
  if (folder === undefined) {
    const made = mkdtempSync(join(tmpdir(), 'kvs-fuzz-files-'));
    folder = made;
    process.once('exit', () => rmSync(made, { recursive: true, force: true }));
  }
  const file = join(folder, `file.${extension}`);
  writeFileSync(file, bytes);
  judged++;
  const options = {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    timeout: 60_000,
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
  } as const;
  const { status, stdout, stderr } = spawnSync(path, [...args, file], options);
  return { status, stdout, stderr: stderr.replaceAll(file, 'FILE') };
}

/** Lines that differ only in where things lie in memory or in the file are the same. */
function withoutAddress(line: string): string {
  return line.replace(/ @ 0x[\da-f]+/g, '').replace(/0x[\da-fA-F]+|\d+/g, 'N');
}
