import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createFile, type Movie, MP4BoxBuffer } from 'mp4box';
import { findTool, runTool } from './tools.js';

/** A packet as ffprobe finds it. */
export interface Packet {
  readonly stream: number;
  /** In seconds. */
  readonly pts: number;
  readonly dts: number;
  readonly keyframe: boolean;
  readonly size: number;
  /** SHA-256 of its bytes. */
  readonly hash: string;
}

/** All packets of a file, in the order of the file. */
export function probePackets(file: string): Packet[] {
  const text = runTool('ffprobe', [
    ...['-v', 'error', '-show_packets', '-show_data_hash', 'sha256', '-of', 'json', '-show_entries'],
    'packet=stream_index,pts_time,dts_time,flags,size,data_hash',
    file,
  ]);
  const { packets } = JSON.parse(text) as {
    packets: {
      stream_index: number;
      pts_time: string;
      dts_time: string;
      flags: string;
      size: string;
      data_hash: string;
    }[];
  };
  return packets.map((packet) => ({
    stream: packet.stream_index,
    pts: Number(packet.pts_time),
    dts: Number(packet.dts_time),
    keyframe: packet.flags.startsWith('K'),
    size: Number(packet.size),
    hash: packet.data_hash.replace('SHA256:', ''),
  }));
}

/** SHA-256 in hexadecimal digits. */
export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/**
 * What ffmpeg says while it decodes a file: nothing when all is well.
 *
 * @param options of the output
 */
export function decodeMessages(file: string, options: readonly string[] = []): string {
  const path = findTool('ffmpeg');
  if (path === undefined) throw new Error('ffmpeg is not on PATH');
  const { stderr, status } = spawnSync(path, ['-v', 'error', '-i', file, ...options, '-f', 'null', '-'], {
    encoding: 'utf8',
  });
  return status === 0 ? stderr : `exit ${status}: ${stderr}`;
}

/** What mp4box finds in a file. */
export function parseWithMp4box(bytes: Uint8Array): Movie {
  const file = createFile();
  let movie: Movie | undefined;
  file.onReady = (info) => {
    movie = info;
  };
  file.onError = (module, message) => {
    throw new Error(`${module}: ${message}`);
  };
  file.appendBuffer(MP4BoxBuffer.fromArrayBuffer(Uint8Array.from(bytes).buffer, 0));
  file.flush();
  if (movie === undefined) throw new Error('mp4box found no movie');
  return movie;
}

/** A box: where it begins and ends, and those within it. */
export interface BoxNode {
  readonly type: string;
  readonly start: number;
  /** Where its content begins. */
  readonly body: number;
  readonly end: number;
  readonly children: readonly BoxNode[];
}

const CONTAINERS = new Set(['moov', 'trak', 'edts', 'mdia', 'minf', 'dinf', 'stbl', 'mvex', 'moof', 'traf']);
/** Fields that stand before the boxes within. */
const FIELDS = new Map([
  ['stsd', 8],
  ['dref', 8],
  ['avc1', 78],
  ['hvc1', 78],
  ['mp4a', 28],
]);

/** Takes a file apart into boxes. Throws when a box does not end where the one around it says. */
export function readBoxes(bytes: Uint8Array, start = 0, end = bytes.length): BoxNode[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const boxes: BoxNode[] = [];
  let at = start;
  while (at < end) {
    if (at + 8 > end) throw new Error(`${end - at} bytes left over at ${at}`);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const short = view.getUint32(at);
    const size = short === 1 ? Number(view.getBigUint64(at + 8)) : short;
    const body = at + (short === 1 ? 16 : 8);
    if (size < body - at || at + size > end) throw new Error(`${type} at ${at} has a size of ${size}`);
    const fields = CONTAINERS.has(type) ? 0 : FIELDS.get(type);
    const children = fields === undefined ? [] : readBoxes(bytes, body + fields, at + size);
    boxes.push({ type, start: at, body, end: at + size, children });
    at += size;
  }
  return boxes;
}

/** All boxes of a type, anywhere. */
export function findBoxes(boxes: readonly BoxNode[], type: string): BoxNode[] {
  return boxes.flatMap((box) => [...(box.type === type ? [box] : []), ...findBoxes(box.children, type)]);
}

/** Where samples lie by the tables of `moov` and the runs of `moof`, in the order of the file. */
export function sampleRanges(bytes: Uint8Array): { start: number; end: number }[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const boxes = readBoxes(bytes);
  const ranges: { start: number; end: number }[] = [];
  for (const stbl of findBoxes(boxes, 'stbl')) {
    const table = (type: string) => stbl.children.find((box) => box.type === type);
    const [stsz, stsc, stco] = [table('stsz')!, table('stsc')!, table('stco') ?? table('co64')!];
    const large = stco.type === 'co64';
    const chunks = view.getUint32(stco.body + 4);
    const entries = view.getUint32(stsc.body + 4);
    let sample = 0;
    for (let chunk = 0, entry = 0; chunk < chunks; chunk++) {
      while (entry + 1 < entries && view.getUint32(stsc.body + 8 + (entry + 1) * 12) <= chunk + 1) entry++;
      const offset = stco.body + 8 + chunk * (large ? 8 : 4);
      let start = large ? Number(view.getBigUint64(offset)) : view.getUint32(offset);
      for (let i = view.getUint32(stsc.body + 8 + entry * 12 + 4); i > 0; i--, sample++) {
        const end = start + view.getUint32(stsz.body + 12 + sample * 4);
        ranges.push({ start, end });
        start = end;
      }
    }
    if (sample !== view.getUint32(stsz.body + 8)) throw new Error('stsc and stsz differ in the number of samples');
  }
  for (const moof of findBoxes(boxes, 'moof')) {
    for (const trun of findBoxes([moof], 'trun')) {
      const flags = view.getUint32(trun.body) & 0xffffff;
      const width = [0x100, 0x200, 0x400, 0x800].filter((flag) => (flags & flag) !== 0).length * 4;
      let at = trun.body + 12 + ((flags & 4) === 0 ? 0 : 4);
      let start = moof.start + view.getInt32(trun.body + 8);
      for (let i = view.getUint32(trun.body + 4); i > 0; i--, at += width) {
        const end = start + view.getUint32(at + ((flags & 0x100) === 0 ? 0 : 4));
        ranges.push({ start, end });
        start = end;
      }
      if (at !== trun.end) throw new Error('a trun is longer or shorter than its samples');
    }
  }
  return ranges.sort((a, b) => a.start - b.start);
}
