import { ensure } from './finding.js';

/** A box of ISO/IEC 14496-12: where its content lies. */
export interface Box {
  readonly type: string;
  readonly body: number;
  readonly end: number;
}

const CONTAINERS = ['moov', 'trak', 'mdia', 'minf', 'stbl', 'moof', 'traf', 'mvex', 'edts', 'dinf'];

/** All boxes in order, those within others behind them. Throws a finding where they do not fill each other. */
export function listBoxes(bytes: Uint8Array, start = 0, end = bytes.length): Box[] {
  const view = viewOf(bytes);
  const boxes: Box[] = [];
  for (let at = start; at < end; ) {
    ensure(at + 8 <= end, 'a box is cut off');
    const size = view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const wide = size === 1;
    ensure(!wide || at + 16 <= end, 'a box is cut off');
    const length = wide ? Number(view.getBigUint64(at + 8)) : size;
    const body = at + (wide ? 16 : 8);
    ensure(length >= body - at && at + length <= end, `a ${type} box does not fit`);
    boxes.push({ type, body, end: at + length });
    if (CONTAINERS.includes(type)) boxes.push(...listBoxes(bytes, body, at + length));
    at += length;
  }
  return boxes;
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** A run of samples in a media segment. */
export interface Run {
  readonly track: number;
  readonly decodeTime: bigint;
  /** Of each sample: duration and size. */
  readonly samples: readonly { readonly duration: number; readonly size: number }[];
  /** Where its data begins, from the beginning of `moof`. */
  readonly dataOffset: number;
}

/** The runs of a media segment (ISO/IEC 14496-12 section 8.8). */
export function listRuns(bytes: Uint8Array, boxes: readonly Box[]): Run[] {
  const view = viewOf(bytes);
  const runs: Run[] = [];
  let track = 0;
  let decodeTime = 0n;
  let [defaultDuration, defaultSize] = [0, 0];
  for (const { type, body } of boxes) {
    if (type === 'tfhd') {
      const flags = view.getUint32(body) & 0xffffff;
      track = view.getUint32(body + 4);
      let at = body + 8;
      if (flags & 1) at += 8;
      if (flags & 2) at += 4;
      if (flags & 8) defaultDuration = view.getUint32(at);
      if (flags & 8) at += 4;
      if (flags & 16) defaultSize = view.getUint32(at);
    } else if (type === 'tfdt') {
      decodeTime = bytes[body] === 1 ? view.getBigUint64(body + 4) : BigInt(view.getUint32(body + 4));
    } else if (type === 'trun') {
      const flags = view.getUint32(body) & 0xffffff;
      const count = view.getUint32(body + 4);
      let at = body + 8;
      let dataOffset = 0;
      if (flags & 1) dataOffset = view.getInt32(at);
      if (flags & 1) at += 4;
      if (flags & 4) at += 4;
      const samples = Array.from({ length: count }, () => {
        const sample = { duration: defaultDuration, size: defaultSize };
        if (flags & 0x100) sample.duration = view.getUint32(at);
        if (flags & 0x100) at += 4;
        if (flags & 0x200) sample.size = view.getUint32(at);
        if (flags & 0x200) at += 4;
        if (flags & 0x400) at += 4;
        if (flags & 0x800) at += 4;
        return sample;
      });
      runs.push({ track, decodeTime, samples, dataOffset });
    }
  }
  return runs;
}
