import type { EbmlElementType } from '../ebml/element-type.js';
import type { MkvDataElement, MkvEndMasterElement, MkvStartMasterElement } from '../mkv/element.js';
import { Mkv } from '../mkv/elements.js';
import { MkvParseError } from '../mkv/parse-error.js';
import type { TrackMetadata } from '../mkv/track.js';
import { TrackCollector } from '../mkv/track-collector.js';
import { ClusterClock } from './cluster-clock.js';
import { applyTag, type FragmentMetadata, FragmentRecord, isServiceTag, ServiceTagName } from './fragment-metadata.js';
import { type MkvTag, TagCollector, TagList } from './tag.js';
import type { MkvTagProcessor } from './tag-processor.js';
import { TagsReader } from './tags-reader.js';
import { MkvElementVisitor } from './visitor.js';

/**
 * Follows which fragment the stream is in: its metadata, tags and tracks.
 *
 * `currentFragmentMetadata` becomes `previousFragmentMetadata` at the start of a Segment; what Tags say counts from their end. In a merged
 * document, where fragments share a Segment, a new fragment number begins the next fragment. Tags of the producer after a Cluster are the
 * current fragment's when the service's continuation token or millis-behind-now follow them, or no further fragment does; else they are the
 * next one's.
 *
 * The last known `millisBehindNow` and `continuationToken` stay when a new fragment begins: they say where a reader can continue.
 */
export class FragmentMetadataVisitor extends MkvElementVisitor {
  readonly #tagCollector = new TagCollector();
  readonly #tagsReader = new TagsReader();
  readonly #trackCollector = new TrackCollector();
  readonly #tagProcessor: MkvTagProcessor | undefined;
  #tracks = new Map<number, TrackMetadata>();
  #tracksShared = false;
  #current: FragmentRecord | undefined;
  #previous: FragmentRecord | undefined;
  #millisBehindNow: number | undefined;
  #continuationToken: string | undefined;
  /** Tags of the Segment for which no fragment is known yet. */
  readonly #pending = new TagList();
  #clusterSeen = false;
  #gapped = false;
  /**
   * Tells the times of Clusters.
   *
   * @internal
   */
  readonly clock = new ClusterClock();
  /** The Timestamp of the first Cluster since the fragment before, in microseconds. */
  #firstCluster: number | undefined;

  /** @param tagProcessor is shown every tag of the producer as it arrives */
  constructor(tagProcessor?: MkvTagProcessor) {
    super();
    this.#tagProcessor = tagProcessor;
  }

  /** The fragment that the stream is in; `undefined` outside of one and in a document that is not of Kinesis Video Streams. */
  get currentFragmentMetadata(): FragmentMetadata | undefined {
    return this.#current;
  }

  /** The fragment before it. */
  get previousFragmentMetadata(): FragmentMetadata | undefined {
    return this.#previous;
  }

  /** The newest millis-behind-now of the stream. */
  get millisBehindNow(): number | undefined {
    return this.#millisBehindNow;
  }

  /** The newest continuation token of the stream. */
  get continuationToken(): string | undefined {
    return this.#continuationToken;
  }

  /**
   * The producer's tags so far: of the current fragment, or of the document where it is not of Kinesis Video Streams or the fragment's
   * number has not come yet.
   */
  get tags(): readonly MkvTag[] {
    return this.#current?.tags ?? this.#pending.tags;
  }

  /** The tracks of the current Segment, by number. The map belongs to the Segment: a later one has its own. */
  get tracks(): ReadonlyMap<number, TrackMetadata> {
    this.#tracksShared = true;
    return this.#tracks;
  }

  /** TimestampScale of the current Segment: nanoseconds in a tick. */
  get timestampScale(): number {
    return this.clock.scale;
  }

  /** The Timestamp of the Cluster at hand, in microseconds; `undefined` where it has not come. */
  get clusterTimestamp(): number | undefined {
    return this.clock.timestamp < 0 ? undefined : this.clock.cluster.timestamp;
  }

  /** The track that Blocks call `number`; `undefined` where the Segment has not described it. */
  getTrackMetadata(number: number): TrackMetadata | undefined {
    return this.#tracks.get(number);
  }

  /**
   * Puts a track as frames have shown it to be in the place of how it was described, in this Segment and in later ones.
   *
   * @internal
   */
  replaceTrack(track: TrackMetadata): void {
    track.origin.latest = track;
    this.#addTrack(track);
  }

  /**
   * Says that bytes of the stream are missing here. A Cluster that follows without a fragment number of its own may be of another
   * fragment, so it is taken to be of none.
   */
  noteGap(): void {
    this.#gapped = true;
  }

  /**
   * Takes a whole Tags or Tracks by its bytes, which is much faster than element by element.
   *
   * @returns `false` when it has to be shown element by element
   * @internal
   */
  takeMaster(type: EbmlElementType, bytes: Uint8Array, start: number, end: number): boolean {
    if (type === Mkv.Tags) {
      const tags = this.#tagsReader.read(bytes, start, end);
      if (tags !== undefined) this.#takeTags(tags);
      return tags !== undefined;
    }
    const tracks = type === Mkv.Tracks ? this.#trackCollector.repeat(bytes, start, end) : undefined;
    for (const track of tracks ?? []) this.#addTrack(track.latest ?? track);
    return tracks !== undefined;
  }

  override visitStart(element: MkvStartMasterElement): void {
    const { type } = element;
    this.clock.start(type);
    if (type === Mkv.Cluster) {
      this.#beginCluster();
    } else if (type === Mkv.Segment) {
      this.#begin(undefined);
      this.#trackCollector.reset();
      this.#tracks = new Map();
      this.#tracksShared = false;
      this.#pending.take();
      this.#clusterSeen = false;
      this.#gapped = false;
      this.#firstCluster = undefined;
    } else if (type.parent !== undefined) {
      this.#tagCollector.start(element);
      this.#trackCollector.start(element);
    }
  }

  override visitData(element: MkvDataElement): void {
    try {
      if (this.takeTime(element)) return;
    } catch (error) {
      // Who reads no frames needs no times.
      if (!(error instanceof MkvParseError)) throw error;
    }
    this.takeOther(element);
  }

  /**
   * Takes an element that tells no time.
   *
   * @internal
   */
  takeOther(element: MkvDataElement): void {
    this.#tagCollector.data(element);
    this.#trackCollector.data(element);
  }

  override visitEnd(element: MkvEndMasterElement): void {
    const { type } = element;
    if (type === Mkv.Cluster) return;
    if (type === Mkv.Segment) {
      this.#settlePending();
      return;
    }
    const track = this.#trackCollector.end(element);
    if (track !== undefined) this.#addTrack(track.latest ?? track);
    const tags = this.#tagCollector.end(element);
    if (tags !== undefined) this.#takeTags(tags);
  }

  #addTrack(track: TrackMetadata): void {
    if (this.#tracks.get(track.number) === track) return;
    if (this.#tracksShared) {
      this.#tracks = new Map(this.#tracks);
      this.#tracksShared = false;
    }
    this.#tracks.set(track.number, track);
  }

  #beginCluster(): void {
    if (this.#clusterSeen) {
      // Without a fragment number between them, a Cluster after Tags goes on with the same fragment.
      this.#settlePending();
      if (this.#gapped) {
        this.#begin(undefined);
        this.#firstCluster = undefined;
      }
    }
    this.#gapped = false;
    this.#clusterSeen = true;
  }

  /**
   * Takes an element that tells a time; `false` for others. Throws what reading its value throws.
   *
   * @internal
   */
  takeTime(element: MkvDataElement): boolean {
    if (!this.clock.take(element)) return false;
    if (element.type === Mkv.Timestamp) this.#noteCluster();
    return true;
  }

  #noteCluster(): void {
    this.#firstCluster ??= this.clock.cluster.timestamp;
    if (this.#current !== undefined) this.#current.clusterTimestamp ??= this.#firstCluster;
  }

  #begin(record: FragmentRecord | undefined): void {
    if (this.#current !== undefined) this.#previous = this.#current;
    this.#current = record;
  }

  #takeTags(tags: readonly MkvTag[]): void {
    let number: string | undefined;
    let service = false;
    let trailer = false;
    for (const tag of tags) {
      const { name } = tag;
      if (!isServiceTag(name)) {
        this.#tagProcessor?.process(tag, this.#current);
        continue;
      }
      service = true;
      if (name === ServiceTagName.fragmentNumber) number = tag.value;
      else if (name === ServiceTagName.millisBehindNow || name === ServiceTagName.continuationToken) trailer = true;
    }
    const current = this.#current;
    if (service && (current === undefined || this.#startsNext(current, number))) {
      if (current === undefined) {
        this.#current = new FragmentRecord();
        this.#current.clusterTimestamp = this.#firstCluster;
      } else {
        this.#begin(new FragmentRecord());
        this.#clusterSeen = false;
        this.#firstCluster = undefined;
      }
      this.#settlePending();
    } else if (!service && (current === undefined || this.#clusterSeen)) {
      for (const tag of tags) this.#pending.add(tag);
      return;
    }
    const record = this.#current;
    if (record === undefined) return;
    // What stands between the frames and the Tags that the service ends a fragment with is of this fragment.
    if (trailer) this.#settlePending();
    for (const tag of tags) applyTag(record, tag);
    if (trailer) {
      this.#millisBehindNow = record.millisBehindNow ?? this.#millisBehindNow;
      this.#continuationToken = record.continuationToken ?? this.#continuationToken;
    }
  }

  #settlePending(): void {
    if (this.#current === undefined) return;
    for (const tag of this.#pending.take()) this.#current.tagList.add(tag);
  }

  #startsNext(current: FragmentRecord, number: string | undefined): boolean {
    if (number === undefined) return false;
    // What has no number after its Cluster is a fragment whose beginning is missing.
    return current.fragmentNumber === undefined ? this.#clusterSeen : number !== current.fragmentNumber;
  }
}
