import { rawAudioOf } from '../decode/raw-audio.js';
import { CodecDataError } from '../mkv/codec/codec-error.js';
import type { TrackMetadata } from '../mkv/track.js';
import { joinAccessUnits } from '../visitors/access-units.js';
import { frameBlock } from '../visitors/adts-frames.js';
import { ClusterTime } from '../visitors/cluster-clock.js';
import { Frame } from '../visitors/frame.js';
import { inflateFrame } from '../visitors/inflate.js';
import type { PageReader } from './byte-source.js';
import type { FrameTable } from './frame-table.js';
import { type EncodedFrame, type EncodedRun, FrameFlag, type SavedFile } from './protocol.js';
import type { TrackList } from './track-list.js';

/** So many bytes of frames are read for one picture: what comes before may be cut off. */
const MOST_PICTURE_BYTES = 64 * 1024 * 1024;
/** So many frames, and bytes, are given in one run. */
const MOST_RUN = 4000;
const MOST_RUN_BYTES = 16 * 1024 * 1024;

/** Only for its type: frames that are made here have the time that the index says. */
const NO_CLUSTER = new ClusterTime(0, 1_000_000);

/** Reads frames of the index back from where the bytes are, as decoders want them. */
export class FrameReader {
  readonly #frames: FrameTable;
  readonly #tracks: TrackList;
  readonly #pages: PageReader;

  constructor(frames: FrameTable, tracks: TrackList, pages: PageReader) {
    this.#frames = frames;
    this.#tracks = tracks;
    this.#pages = pages;
  }

  /** A frame to save: of H.264 and H.265 in Annex B, with parameter sets where it is a key frame; of others as their codec has it. */
  async file(number: number): Promise<SavedFile> {
    const frame = await this.#frame(number);
    const isNal = frame.track.format.nal !== undefined;
    const data = (isNal ? attempt(() => frame.dataFor({})) : undefined) ?? frame.data;
    const name = `frame-${number}.${extensionOf(frame.track)}`;
    return { name, type: 'application/octet-stream', bytes: new Uint8Array(data) };
  }

  /** What to decode to see a frame. */
  async picture(number: number): Promise<EncodedRun & { readonly timestamp: number }> {
    const { timestamp } = this.#row(number);
    const track = this.#numberOf(number);
    const end = this.#endOfUnit(number, track);
    const wanted: number[] = [];
    let bytes = 0;
    let hasKey = false;
    for (let at = end - 1; at >= this.#frames.first && !hasKey && bytes < MOST_PICTURE_BYTES; at--) {
      if (this.#numberOf(at) !== track) continue;
      const row = this.#row(at);
      wanted.push(at);
      bytes += row.size;
      // Parts of a picture have one time: its first part is the one to begin with.
      hasKey = (row.flags & FrameFlag.key) !== 0 && !this.#continues(at, track);
    }
    const run = await this.#encode(wanted.reverse());
    const problem = run.problem ?? (hasKey ? undefined : 'there is no key frame before it');
    return { ...run, problem, next: undefined, timestamp };
  }

  /** Frames of a track in a row, from the first at or behind one on that decoding can begin with. */
  async run(track: number, from: number, count: number): Promise<EncodedRun> {
    const wanted: number[] = [];
    let bytes = 0;
    let configuration: string | undefined;
    let record: number | undefined;
    let at = Math.max(from, this.#frames.first);
    for (; at < this.#frames.end; at++) {
      if (this.#numberOf(at) !== track) continue;
      const row = this.#row(at);
      if (wanted.length === 0 && (row.flags & FrameFlag.key) === 0) continue;
      if (row.track !== record) {
        record = row.track;
        const own = this.#configurationOf(record);
        configuration ??= own;
        if (own !== configuration) break;
      }
      const isFull = wanted.length >= Math.min(count, MOST_RUN) || bytes >= MOST_RUN_BYTES;
      if (isFull && !this.#continues(at, track)) break;
      wanted.push(at);
      bytes += row.size;
    }
    return { ...(await this.#encode(wanted)), next: at < this.#frames.end ? at : undefined };
  }

  async #encode(numbers: readonly number[]): Promise<EncodedRun> {
    const [first] = numbers;
    const stored: Frame[] = [];
    const numberOf = new Map<number, number>();
    for (const number of numbers) {
      const frame = await this.#frame(number);
      stored.push(frame);
      if (!numberOf.has(frame.timestamp)) numberOf.set(frame.timestamp, number);
    }
    const [begin] = stored;
    if (first === undefined || begin === undefined) {
      const problem = 'there is no frame to decode';
      return { video: undefined, audio: undefined, raw: undefined, frames: [], next: undefined, problem };
    }
    const { track } = begin;
    const video = track.toVideoDecoderConfig(track.format.nal === undefined ? begin.data : undefined);
    const audio = track.toAudioDecoderConfig();
    const raw = attempt(() => rawAudioOf(track));
    let problem: string | undefined;
    if (video === undefined && audio === undefined && raw === undefined)
      problem = `nothing here decodes ${track.codecId || 'a track without CodecID'}`;
    const frames: EncodedFrame[] = [];
    for (const frame of joinAccessUnits(stored)) {
      try {
        const chunk = frame.toEncodedChunk(video ?? audio);
        const number = numberOf.get(frame.timestamp) ?? first;
        frames.push({ frame: number, chunk: { ...chunk, data: new Uint8Array(chunk.data) } });
      } catch (error) {
        if (!(error instanceof CodecDataError)) throw error;
        problem ??= error.message;
      }
    }
    return { video, audio, raw, frames, next: undefined, problem };
  }

  async #frame(number: number): Promise<Frame> {
    const { track: id, timestamp, duration, flags, data, size } = this.#row(number);
    const track = this.#tracks.track(id);
    const bytes = await this.#pages.read(data, size);
    if (track === undefined || bytes.length < size) throw new Error(`the bytes of frame ${number} are no longer held`);
    const block = frameBlock(bytes, {
      invisible: (flags & FrameFlag.invisible) !== 0,
      discardable: (flags & FrameFlag.discardable) !== 0,
    });
    const isFlagged = (flags & FrameFlag.keyFlag) !== 0;
    const frame = new Frame(track, undefined, timestamp, duration, isFlagged, undefined, block, 0, NO_CLUSTER);
    try {
      return await inflateFrame(frame);
    } catch (error) {
      // As it is, it says itself how it is stored.
      if (error instanceof CodecDataError) return frame;
      throw error;
    }
  }

  #row(number: number) {
    const row = this.#frames.row(number);
    if (row === undefined) throw new Error(`frame ${number} is not there, or no longer held`);
    return row;
  }

  /** TrackNumber of a frame. */
  #numberOf(frame: number): number | undefined {
    return this.#tracks.track(this.#frames.track[frame - this.#frames.first] ?? -1)?.number;
  }

  /** Whether the frame before, of the same track, has the same time: then both may be parts of one access unit. */
  #continues(frame: number, track: number | undefined): boolean {
    for (let at = frame - 1; at >= this.#frames.first; at--) {
      if (this.#numberOf(at) === track) return this.#row(at).timestamp === this.#row(frame).timestamp;
    }
    return false;
  }

  /** Number of the frame behind all parts of the access unit that a frame is of. */
  #endOfUnit(frame: number, track: number | undefined): number {
    const { timestamp } = this.#row(frame);
    let end = frame + 1;
    for (let at = end; at < this.#frames.end; at++) {
      if (this.#numberOf(at) !== track) continue;
      if (this.#row(at).timestamp !== timestamp) break;
      end = at + 1;
    }
    return end;
  }

  #configurationOf(id: number): string {
    const { codecString = '', description } = this.#tracks.track(id)?.format ?? {};
    return `${codecString} ${description?.join() ?? ''}`;
  }
}

function attempt<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch (error) {
    if (error instanceof CodecDataError) return undefined;
    throw error;
  }
}

const EXTENSIONS: readonly (readonly [RegExp, string])[] = [
  [/^mp4a/, 'aac'],
  [/^opus/, 'opus'],
  [/^vp0?[89]/, 'vpx'],
  [/^pcm|law$/, 'pcm'],
];

function extensionOf({ codecString = '', codecId, format }: TrackMetadata): string {
  if (format.nal !== undefined) return format.nal.codec;
  if (codecId === 'V_MJPEG') return 'jpg';
  return EXTENSIONS.find(([pattern]) => pattern.test(codecString))?.[1] ?? 'bin';
}
