import type { MkvElement } from '../mkv/element.js';
import { Mkv } from '../mkv/elements.js';
import { weightOf } from '../mkv/holding.js';
import { GatheredElement } from './gathered-element.js';

/** What comes of a document from its first Cluster on, kept until its Tracks come. */
export class AwaitedTracks {
  /** What has come, in order. */
  readonly elements: MkvElement[] = [];
  #tracks: GatheredElement | undefined;
  #weight = 0;

  /** How much memory it takes, in bytes, roughly. */
  get weight(): number {
    return this.#weight;
  }

  /** Keeps an element. Returns the Tracks when they are whole. */
  take(element: MkvElement): GatheredElement | undefined {
    if (element.kind !== 'end') this.#weight += weightOf(element);
    const tracks = this.#tracks;
    if (tracks === undefined) {
      if (element.kind === 'start' && element.is(Mkv.Tracks)) this.#tracks = new GatheredElement(element);
      else this.elements.push(element);
    } else if (element.kind !== 'end') {
      tracks.add(element);
    } else if (element.start === tracks.root) {
      this.#tracks = undefined;
      if (!element.truncated) return tracks;
      // It is told that they are left out where they stand.
      for (const each of tracks.elements) this.elements.push(each);
      this.elements.push(element);
    }
    return undefined;
  }
}
