import type { MkvElement } from '../mkv/element.js';
import { Mkv } from '../mkv/elements.js';
import { isServiceTag } from '../visitors/fragment-metadata.js';

/** How much has come of a fragment's document. */
export interface DocumentSize {
  /** All its bytes, up to the fragment's end. */
  readonly bytes: number;
  /** Those that are not of the service's own Tags. */
  readonly producerBytes: number;
  /** Its last Cluster says its size, and ended there: whether bytes of it are missing is known. */
  readonly sizedCluster: boolean;
}

/** Measures the documents of a stream, element by element. */
export class DocumentMeasure {
  #start = 0;
  #serviceBytes = 0;
  #sizedCluster = false;
  #tagsStart = 0;
  #isService = false;

  /** The next element. */
  show(element: MkvElement): void {
    const { type, kind, offset } = element;
    if (type === Mkv.EBML) {
      if (kind === 'start') this.#begin(offset);
    } else if (type === Mkv.Cluster) {
      if (element.kind === 'start') this.#sizedCluster = element.dataSize !== undefined;
      else if (element.kind === 'end' && element.truncated) this.#sizedCluster = false;
    } else if (type === Mkv.Tags) {
      if (kind === 'start') {
        this.#tagsStart = offset;
        this.#isService = false;
      } else if (this.#isService) {
        this.#serviceBytes += offset - this.#tagsStart;
      }
    } else if (element.kind === 'data' && element.is(Mkv.TagName)) {
      this.#isService ||= isServiceTag(element.value);
    }
  }

  /** A fragment ends here: its size from the beginning of its document, or from the end of the fragment before it in the same one. */
  take(end: number): DocumentSize {
    const bytes = end - this.#start;
    const size = { bytes, producerBytes: bytes - this.#serviceBytes, sizedCluster: this.#sizedCluster };
    this.#begin(end);
    return size;
  }

  #begin(offset: number): void {
    this.#start = offset;
    this.#serviceBytes = 0;
    this.#sizedCluster = false;
  }
}
