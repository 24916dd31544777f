import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findTool, runTool, type Tool } from '../support/tools.js';

/** A packet as ffprobe sees it. */
export interface Packet {
  readonly stream: number;
  readonly pts: number;
  readonly keyframe: boolean;
  readonly hash: string;
}

/** What programs that others wrote say of a document: one line for each complaint; none when all are content. */
export function complaints(document: Uint8Array, folder: string): string[] {
  const path = join(folder, 'merged.mkv');
  const copy = join(folder, 'copy.mkv');
  writeFileSync(path, document);
  try {
    return [
      ...said('ffprobe', ['-v', 'warning', '-show_streams', path], 'stderr'),
      ...said('ffmpeg', ['-v', 'warning', '-i', path, '-map', '0:v?', '-map', '0:a?', '-f', 'null', '-'], 'stderr'),
      ...said('mkvinfo', ['-v', '-v', '-v', path], 'stdout').filter((line) =>
        /warning|error|unknown element|invalid/i.test(line.replace(/String: .*/, '')),
      ),
      ...said('mkvinfo', [path], 'stderr'),
      ...said('mkvmerge', ['-o', copy, path], 'stdout').filter((line) => /warning|error|status \d/i.test(line)),
    ];
  } finally {
    rmSync(copy, { force: true });
  }
}

/** The lines that a tool says, with its exit status as one more when it is not 0. */
function said(tool: Tool, args: readonly string[], stream: 'stdout' | 'stderr'): string[] {
  const path = findTool(tool);
  if (path === undefined) throw new Error(`${tool} is not on PATH`);
  const result = spawnSync(path, args, {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
  });
  const lines = result[stream].split(/[\r\n]+/).filter((line) => line.trim() !== '');
  if (result.status !== 0) lines.push(`status ${result.status}: ${result.stderr}`);
  return lines.map((line) => `${tool}: ${line}`);
}

/** The packets of a document, in its order. */
export function packetsOf(document: Uint8Array, folder: string): Packet[] {
  const path = join(folder, 'packets.mkv');
  writeFileSync(path, document);
  const entries = 'packet=stream_index,pts,flags,data_hash';
  const json = runTool('ffprobe', [
    ...['-v', 'error', '-show_packets', '-show_data_hash', 'sha256'],
    ...['-show_entries', entries, '-of', 'json', path],
  ]);
  const { packets }: { packets: { stream_index: number; pts: number; flags: string; data_hash: string }[] } =
    JSON.parse(json);
  return packets.map(({ stream_index, pts, flags, data_hash }) => ({
    stream: stream_index,
    pts,
    keyframe: flags.includes('K'),
    hash: data_hash,
  }));
}
