import { type Box, BoxParser } from 'mp4box';
import { type Edit, MOVIE_TIMESCALE, type TrackBoxInput } from './boxes.js';
import { isSync, type TrackRun } from './samples.js';
import { sameSetup, type TrackSetup } from './track-setup.js';

const { box } = BoxParser;

const MAX_UINT32 = 0xffff_ffff;

/** The longest duration of a sample, in ticks: readers take the 32 bits for a signed number. */
const MAX_DURATION = 0x7fff_ffff;

/** Values, equal ones behind each other counted. */
class RunLengths {
  readonly counts: number[] = [];
  readonly values: number[] = [];

  add(value: number): void {
    const last = this.counts.length - 1;
    if (last >= 0 && this.values[last] === value) this.counts[last]!++;
    else {
      this.counts.push(1);
      this.values.push(value);
    }
  }
}

/** Everything that `stbl` says of the samples of a track, gathered run by run. It grows by some 10 to 30 bytes a sample. */
export class SampleTable {
  /** TrackNumber of the Matroska track. */
  readonly number: number;
  readonly #id: number;
  readonly #setups: TrackSetup[];
  readonly #sizes: number[] = [];
  readonly #durations = new RunLengths();
  readonly #offsets = new RunLengths();
  readonly #syncs: number[] = [];
  readonly #chunks: { readonly offset: number; readonly samples: number; readonly description: number }[] = [];
  readonly #firstDecode: number;
  #lastDecode: number | undefined;
  #nextDecode = 0;
  #start: number;
  #end = 0;

  /** @param run the first samples */
  constructor(id: number, run: TrackRun) {
    this.#id = id;
    this.number = run.track.setup.track.number;
    this.#setups = [run.track.setup];
    this.#firstDecode = run.times.decode[0]!;
    this.#start = run.start;
  }

  /** Ticks per second. */
  get timescale(): number {
    return this.#setups[0]!.timescale;
  }

  /** All setups that there were. */
  get setups(): readonly TrackSetup[] {
    return this.#setups;
  }

  /** The newest setup. */
  get setup(): TrackSetup {
    return this.#setups.at(-1)!;
  }

  /** Where presentation begins, in ticks. */
  get start(): number {
    return this.#start;
  }

  /** Where presentation ends, in ticks. */
  get end(): number {
    return this.#end;
  }

  /** Whether samples of that setup can follow in this track. */
  accepts(setup: TrackSetup): boolean {
    return setup.format === this.setup.format && setup.timescale === this.timescale;
  }

  /** Whether the sample before the run can last until the run begins: 6 hours and a half of video. */
  reaches(run: TrackRun): boolean {
    return this.#lastDecode === undefined || run.times.decode[0]! - this.#lastDecode <= MAX_DURATION;
  }

  /**
   * Adds samples.
   *
   * @param offset where their data lies, from the place that offsets count from
   */
  add({ track, payload, times, flags, start }: TrackRun, offset: number): void {
    const { setup } = track;
    let description = this.#setups.findIndex((known) => known === setup || sameSetup(known, setup));
    if (description < 0) description = this.#setups.push(setup) - 1;
    this.#chunks.push({ offset, samples: payload.sizes.length, description: description + 1 });
    payload.sizes.forEach((size, index) => {
      const decode = times.decode[index]!;
      if (this.#lastDecode !== undefined) this.#durations.add(decode - this.#lastDecode);
      this.#lastDecode = decode;
      this.#offsets.add(times.presentation[index]! - decode);
      this.#sizes.push(size);
      if (isSync(flags[index]!)) this.#syncs.push(this.#sizes.length);
    });
    this.#nextDecode = times.nextDecode;
    this.#start = Math.min(this.#start, start);
    this.#end = Math.max(this.#end, times.end);
  }

  /**
   * The track for `moov`.
   *
   * @param movieStart where the movie begins, in seconds of the same timeline
   * @param large whether offsets are beyond 32 bits
   * @returns the track, and the table whose entries are the chunks' offsets
   */
  describe(movieStart: number, large: boolean): { readonly input: TrackBoxInput; readonly offsets: Box } {
    const { timescale } = this;
    const toMovie = (ticks: number) => Math.round((ticks * MOVIE_TIMESCALE) / timescale);
    const delay = Math.round((this.#start / timescale - movieStart) * MOVIE_TIMESCALE);
    const duration = toMovie(this.#end - this.#start);
    const mediaTime = this.#start - this.#firstDecode;
    const edits: Edit[] = [];
    if (delay > 0) edits.push({ duration: delay, mediaTime: -1 });
    if (delay > 0 || mediaTime > 0) edits.push({ duration, mediaTime });
    const offsets = large ? new box.co64() : new box.stco();
    offsets.chunk_offsets = this.#chunks.map(({ offset }) => offset);
    const input = {
      id: this.#id,
      setups: this.#setups,
      duration: Math.max(0, delay) + duration,
      mediaDuration: this.#nextDecode - this.#firstDecode,
      edits,
      tables: [...this.#tables(), offsets],
    };
    return { input, offsets };
  }

  #tables(): Box[] {
    const stts = new box.stts();
    const last = this.#nextDecode - (this.#lastDecode ?? 0);
    // The last sample has no next one to count to.
    stts.sample_counts = [...this.#durations.counts];
    stts.sample_deltas = [...this.#durations.values];
    const end = stts.sample_deltas.length - 1;
    if (end >= 0 && stts.sample_deltas[end] === last) stts.sample_counts[end]!++;
    else {
      stts.sample_counts.push(1);
      stts.sample_deltas.push(last);
    }
    const tables: Box[] = [stts];
    if (this.#offsets.values.some((offset) => offset !== 0)) {
      const ctts = new box.ctts();
      ctts.sample_counts = this.#offsets.counts;
      ctts.sample_offsets = this.#offsets.values;
      tables.push(ctts);
    }
    if (this.#syncs.length < this.#sizes.length) {
      const stss = new box.stss();
      stss.sample_numbers = this.#syncs;
      tables.push(stss);
    }
    const stsc = new box.stsc();
    stsc.first_chunk = [];
    stsc.samples_per_chunk = [];
    stsc.sample_description_index = [];
    this.#chunks.forEach(({ samples, description }, index) => {
      const before = this.#chunks[index - 1];
      if (before?.samples === samples && before.description === description) return;
      stsc.first_chunk.push(index + 1);
      stsc.samples_per_chunk.push(samples);
      stsc.sample_description_index.push(description);
    });
    const stsz = new box.stsz();
    stsz.sample_size = 0;
    stsz.sample_sizes = this.#sizes;
    tables.push(stsc, stsz);
    return tables;
  }
}

/** Whether a file of that size needs offsets of 64 bits. */
export const needsLargeOffsets = (size: number): boolean => size > MAX_UINT32;
