import { sameBytes, viewOf } from '../ebml/bytes.js';
import { ContentEncodingCollector } from './content-encoding.js';
import type { MkvDataElement, MkvEndMasterElement, MkvStartMasterElement } from './element.js';
import { Mkv } from './elements.js';
import { DETACHED_OVERHEAD, expectHoldable, MOST_HELD } from './holding.js';
import { TrackMetadata } from './track.js';

/** A Tracks of more bytes than this is not kept for comparing. */
const LONGEST_COMPARED = 64 * 1024;

/**
 * Makes {@link TrackMetadata} of the elements of Tracks, shown to it in order. Elements outside of a TrackEntry do nothing.
 *
 * Every fragment describes its tracks again. A track that is described in the same bytes as in the Tracks before is the same object.
 */
export class TrackCollector {
  #elements: MkvDataElement[] | undefined;
  readonly #masters = new Set<unknown>();
  #encodings = new ContentEncodingCollector();
  /** The tracks of the Tracks before, and those of this one so far. */
  #previous: readonly TrackMetadata[] = [];
  #tracks: TrackMetadata[] = [];
  #same = false;
  /** What the tracks of the Segment take so far. */
  #size = 0;
  /** The bytes of the Tracks before, where they made tracks without an error, how many, and what these take. */
  #bytes: { readonly data: Uint8Array; readonly size: number; readonly count: number } | undefined;
  /** The bytes of the Tracks at hand. */
  #candidate: Uint8Array | undefined;
  /** How many of them the elements have that were shown. */
  #shown = 0;
  #sizeBefore = 0;

  /** A Segment begins. */
  reset(): void {
    this.#elements = undefined;
    this.#size = 0;
  }

  /**
   * Shown the bytes of a whole Tracks, gives its tracks if they are the bytes of the Tracks before, which saves the elements. Otherwise
   * the elements are to be shown.
   */
  repeat(bytes: Uint8Array, start: number, end: number): readonly TrackMetadata[] | undefined {
    const before = this.#bytes;
    const whole = viewOf(bytes, start, end);
    if (before !== undefined && sameBytes(before.data, whole) && this.#size + before.size <= MOST_HELD) {
      this.#size += before.size;
      // Others may have come since that stand outside of it.
      if (this.#tracks.length > before.count) this.#tracks = this.#tracks.slice(0, before.count);
      return this.#tracks;
    }
    if (whole.length <= LONGEST_COMPARED) this.#candidate = new Uint8Array(whole);
    return undefined;
  }

  /** A master begins. */
  start(element: MkvStartMasterElement): void {
    if (element.type === Mkv.Tracks) {
      this.#previous = this.#tracks;
      this.#tracks = [];
      this.#bytes = undefined;
      this.#shown = 0;
      this.#sizeBefore = this.#size;
      return;
    }
    this.#shown += element.headerSize;
    if (element.type === Mkv.TrackEntry) {
      this.#elements = [];
      this.#masters.clear();
      this.#encodings = new ContentEncodingCollector();
      this.#same = true;
    } else if (this.#elements !== undefined) {
      this.#masters.add(element.type);
      if (element.is(Mkv.ContentEncoding)) {
        // What it says may lie in masters without data, which the comparison does not see.
        this.#same = false;
        this.#encodings.begin();
      } else if (element.is(Mkv.ContentEncryption)) this.#encodings.encrypted();
    }
  }

  /**
   * A data element.
   *
   * @throws MkvParseError `InvalidValue` when its bytes are no value of its type, and it is not one of the track's; `ElementTooLarge`
   * when the Segment's tracks take more memory than tracks ever do, and the track is not given
   */
  data(element: MkvDataElement): void {
    this.#shown += element.headerSize + element.dataSize;
    const elements = this.#elements;
    if (elements === undefined || element.type.global) return;
    const candidate = this.#candidate;
    // Bytes that an error comes of must have it come each time.
    this.#candidate = undefined;
    const before = this.#previous[this.#tracks.length]?.elements[elements.length];
    const same = before !== undefined && sameElement(before, element);
    const own = same ? before : element.detach();
    if (!same) {
      this.#same = false;
      if (own.type.type === 'uinteger') void own.bigintValue;
      else void own.value;
    }
    this.#size += DETACHED_OVERHEAD + own.dataSize;
    if (this.#size > MOST_HELD) this.#elements = undefined;
    expectHoldable(this.#size, element);
    elements.push(own);
    this.#encodings.take(own);
    this.#candidate = candidate;
  }

  /** A master ends; gives the track when it was a whole TrackEntry. */
  end(element: MkvEndMasterElement): TrackMetadata | undefined {
    if (element.type === Mkv.Tracks) {
      const data = this.#candidate;
      this.#candidate = undefined;
      // Where elements are wrong, they may reach past the end, or some of them be others' to take.
      if (data !== undefined && this.#shown === data.length && !element.truncated) {
        this.#bytes = { data, size: this.#size - this.#sizeBefore, count: this.#tracks.length };
      }
    }
    const elements = this.#elements;
    if (element.type !== Mkv.TrackEntry || elements === undefined) return undefined;
    this.#elements = undefined;
    if (element.truncated) return undefined;
    const before = this.#previous[this.#tracks.length];
    const masters = this.#masters;
    // A master without data, too, says something: its defaults.
    const same =
      this.#same &&
      before?.elements.length === elements.length &&
      (before.video !== undefined) === masters.has(Mkv.Video) &&
      (before.audio !== undefined) === masters.has(Mkv.Audio);
    const track = same ? before : new TrackMetadata(elements, new Set(masters), this.#encodings.result());
    this.#tracks.push(track);
    return track;
  }
}

/** Whether two elements have the same type, place and data. */
function sameElement(a: MkvDataElement, b: MkvDataElement): boolean {
  return a.type === b.type && a.parent?.type === b.parent?.type && sameBytes(a.data, b.data);
}
