import type { Bytes } from '../ebml/bytes.js';
import { concatBytes } from '../ebml/writer.js';
import { type ByteStream, openByteStream } from '../mkv/byte-stream.js';
import type { CmafFragment, CmafTrack } from '../mp4/cmaf-remuxer.js';
import { cmafFragmentStream, type Mp4StreamOptions } from '../mp4/streams.js';
import type { ArchivedFragment, FragmentArchive } from './archive.js';
import { trackName } from './track-window.js';

/** A stored fragment as CMAF. */
export interface ArchivedMedia {
  readonly tracks: readonly CmafTrack[];
  /** The media segment of each track that it has frames of, by the track's name. */
  readonly segments: ReadonlyMap<string, Bytes>;
}

/** How many fragments are kept that were asked for last: viewers ask for their tracks one after another. */
const KEPT = 16;

/** Reads and remuxes stored fragments when they are asked for, each on its own. */
export class ArchiveMedia {
  readonly #archive: FragmentArchive;
  readonly #options: Mp4StreamOptions;
  /** The oldest first. */
  readonly #kept = new Map<string, Promise<ArchivedMedia>>();

  constructor(archive: FragmentArchive, options: Mp4StreamOptions) {
    this.#archive = archive;
    this.#options = options;
  }

  /**
   * A fragment as CMAF.
   *
   * @param cluster where its first Cluster's Timestamp goes, in microseconds
   * @param next the fragment behind it, which tells how long a single frame lasts
   */
  get(fragment: ArchivedFragment, cluster: number, next: ArchivedFragment | undefined): Promise<ArchivedMedia> {
    const key = fragment.fragmentNumber;
    const made = this.#kept.get(key) ?? this.#remux(fragment, cluster, next);
    this.#kept.delete(key);
    this.#kept.set(key, made);
    // What failed may go well the next time.
    made.catch(() => this.#kept.delete(key));
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= KEPT) break;
      this.#kept.delete(oldest);
    }
    return made;
  }

  async #remux(
    fragment: ArchivedFragment,
    cluster: number,
    next: ArchivedFragment | undefined,
  ): Promise<ArchivedMedia> {
    const own = await collect(await this.#archive.read(fragment));
    const alone = await this.#read([own], cluster);
    const isSingle = alone.some(({ media }) =>
      media.some(({ track, samples }) => track.kind === 'video' && samples === 1),
    );
    if (!isSingle || next === undefined) return join(alone);
    const following = await collect(await this.#archive.read(next));
    const both = await this.#read([own, following], cluster);
    const { fragment: first } = both[0] ?? {};
    return join(both.filter((each) => each.fragment === first));
  }

  async #read(documents: readonly Uint8Array[], cluster: number): Promise<CmafFragment[]> {
    const made: CmafFragment[] = [];
    const options: Mp4StreamOptions = {
      ...this.#options,
      startOf: (first, metadata) => cluster + first - (metadata?.clusterTimestamp ?? first),
    };
    for await (const each of cmafFragmentStream(documents, options)) made.push(each);
    return made;
  }
}

/** What several Clusters of a fragment have, or what there is before and after a change of parameter sets in its middle. */
function join(parts: readonly CmafFragment[]): ArchivedMedia {
  const tracks = parts[0]?.tracks ?? [];
  const pieces = new Map<string, { readonly bytes: Bytes[]; track: CmafTrack }>();
  for (const { media } of parts) {
    for (const { track, bytes } of media) {
      const name = trackName(track);
      const own = pieces.get(name) ?? { bytes: [], track };
      if (own.track !== track) own.bytes.push(track.init);
      own.bytes.push(bytes);
      own.track = track;
      pieces.set(name, own);
    }
  }
  const segments = new Map(
    [...pieces].map(([name, { bytes }]) => [name, bytes.length === 1 ? bytes[0]! : concatBytes(bytes)]),
  );
  return { tracks, segments };
}

async function collect(stream: ByteStream): Promise<Uint8Array> {
  if (stream instanceof Uint8Array) return stream;
  const source = openByteStream(stream);
  const chunks: Uint8Array[] = [];
  for (let chunk = await source.read(); chunk !== undefined; chunk = await source.read()) chunks.push(chunk);
  return concatBytes(chunks);
}
