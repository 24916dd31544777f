import { brands, movieBox, writeBoxes } from './boxes.js';
import { Mp4RemuxError } from './remux-error.js';
import { SampleTable } from './sample-table.js';
import type { RemuxedFragment } from './samples.js';
import type { TrackSetup } from './track-setup.js';

/** The tracks of a progressive MP4 in the making. */
export class Movie {
  readonly #tables: SampleTable[] = [];

  /** The newest setup of each track, by their track_ID less 1. */
  get setups(): readonly TrackSetup[] {
    return this.#tables.map(({ setup }) => setup);
  }

  /** All setups that there were, track by track; of those of one track that have the same codec string the first. */
  get configurations(): readonly TrackSetup[] {
    return this.#tables.flatMap(({ setups }) =>
      setups.filter((setup, index) => setups.findIndex(({ codec }) => codec === setup.codec) === index),
    );
  }

  /** Where presentation begins, in seconds. */
  get start(): number {
    return this.#tables.reduce(
      (first, { start, timescale }) => Math.min(first, start / timescale),
      Number.POSITIVE_INFINITY,
    );
  }

  /** How long presentation is, in seconds. */
  get duration(): number {
    const end = this.#tables.reduce(
      (last, table) => Math.max(last, table.end / table.timescale),
      Number.NEGATIVE_INFINITY,
    );
    return end - this.start;
  }

  /** @throws Mp4RemuxError when a track cannot go on as the fragment has it */
  check({ runs, metadata: fragment }: RemuxedFragment): void {
    for (const run of runs) {
      const { setup } = run.track;
      const { track } = setup;
      const table = this.#tables.find(({ number }) => number === track.number);
      if (table?.accepts(setup) === false) {
        const text = 'a track cannot change its codec or sampling frequency within one MP4';
        throw new Mp4RemuxError('UnsupportedStreamMediaType', text, { track, fragment });
      }
      if (table?.reaches(run) === false) {
        const text = 'the gap before the fragment is too long for one MP4 (segments can have it)';
        throw new Mp4RemuxError('UnsupportedStreamMediaType', text, { track, fragment });
      }
    }
  }

  /**
   * Adds a fragment's samples.
   *
   * @param offset where its media will lie, from the place that offsets count from
   */
  add({ runs }: RemuxedFragment, offset: number): void {
    let at = offset;
    for (const run of runs) {
      let table = this.#tables.find(({ number }) => number === run.track.setup.track.number);
      if (table === undefined) {
        table = new SampleTable(this.#tables.length + 1, run);
        this.#tables.push(table);
      }
      table.add(run, at);
      at += run.payload.size;
    }
  }

  /**
   * `moov`.
   *
   * @param large whether offsets go beyond 32 bits
   * @param baseOf tells, by the size of `moov`, where the data begins that offsets count from
   */
  write(large: boolean, baseOf: (size: number) => number): Uint8Array {
    const { start } = this;
    const tracks = this.#tables.map((table) => table.describe(start, large));
    const duration = tracks.reduce((longest, { input }) => Math.max(longest, input.duration), 0);
    const bytes = writeBoxes(
      movieBox(
        tracks.map(({ input }) => input),
        duration,
      ),
    );
    const base = baseOf(bytes.length);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (const { offsets } of tracks) {
      // Behind the size come type, version with flags, and the number of entries.
      const count = (offsets.sizePosition ?? 0) + 12;
      for (let i = 0, at = count + 4; i < view.getUint32(count); i++, at += large ? 8 : 4) {
        if (large) view.setBigUint64(at, view.getBigUint64(at) + BigInt(base));
        else view.setUint32(at, view.getUint32(at) + base);
      }
    }
    return bytes;
  }
}

/** `ftyp` of a progressive MP4. */
export function writeFileType(): Uint8Array {
  return writeBoxes(brands('ftyp', 'isom', ['isom', 'iso2', 'mp41']));
}
