import type { ByteStream } from '../mkv/byte-stream.js';
import type { FragmentSelectorType } from './options.js';

/** A stored fragment, as ListFragments describes it. */
export interface ArchivedFragment {
  /** A decimal string. */
  readonly fragmentNumber: string;
  /** When the producer began to record it. */
  readonly producerTimestamp: Date;
  /** When the service received it. */
  readonly serverTimestamp: Date;
  /** How long it lasts, in milliseconds. */
  readonly fragmentLengthInMilliseconds: number;
  /** Its size in bytes. */
  readonly fragmentSizeInBytes: number;
  /**
   * Tells fragments with one configuration of their tracks (CodecPrivate) from those with another, where that is known before they are
   * read. Default: all have that of the first.
   */
  readonly configuration?: string | undefined;
}

/** An archive of fragments: it lists them, and reads the media of one. */
export interface FragmentArchive {
  /** The fragments that are to be played, in any order. Of a live presentation it is asked again and again. */
  list(): readonly ArchivedFragment[] | Promise<readonly ArchivedFragment[]>;
  /** The Matroska document of one of them. It is asked when a viewer asks for the fragment. */
  read(fragment: ArchivedFragment): ByteStream | Promise<ByteStream>;
}

/** When a fragment began, by one of the clocks, in milliseconds since 1970. */
export function timeOf(fragment: ArchivedFragment, type: FragmentSelectorType): number {
  return (type === 'PRODUCER_TIMESTAMP' ? fragment.producerTimestamp : fragment.serverTimestamp).getTime();
}
