import { createHash } from 'node:crypto';
import type { Choices } from '../input.js';
import { block, element, header, Id, type Lacing, master, openElement, tags, text, unsigned } from './matroska.js';

/** A fragment as the fake service keeps it. */
export interface StoredFragment {
  /** Its place in the stream, from 0. */
  readonly index: number;
  readonly number: string;
  readonly token: string | undefined;
  /** Milliseconds since 1970. */
  readonly producedAt: number;
  readonly receivedAt: number;
  readonly durationMs: number;
  /** Its document as GetMedia sends it. */
  readonly live: Buffer;
  /** Its document as GetMediaForFragmentList sends it. */
  readonly archived: Buffer;
  /** The hash of all its frames: tells it from every other one. */
  readonly frames: string;
  /** The time of its first frame, in microseconds. */
  readonly startUs: number;
  /** Its size as ListFragments tells it. */
  readonly size: number;
  /**
   * What is wrong with it wherever it is sent: `damaged` cannot be read whole, `numberless` has no number in its Tags, or one that is none.
   * Those may be passed over, if it is told.
   */
  readonly flaw: 'damaged' | 'numberless' | undefined;
}

/** How the producer and the service write one stream. */
export interface StreamShape {
  /** CRC-32 in Info, Tracks and Cluster. */
  readonly crc: boolean;
  readonly unknownClusters: boolean;
  /** Tags behind the Cluster: always, never, or now and then. */
  readonly trailer: 'always' | 'never' | 'some';
  readonly tokens: boolean;
  readonly tracks: number;
  readonly scale: number;
  /** Clusters count from 1970, or from the beginning of the stream. */
  readonly absolute: boolean;
  readonly forgeries: boolean;
  readonly flaws: boolean;
  /** Whether the sizes that ListFragments tells count the service's own Tags. */
  readonly countsTags: boolean;
}

/** A number that no fragment has; a consumer that hands it out has believed a frame. */
export const FORGED = '9'.repeat(47);
/** What forged frames hold: a fragment that is handed out with it did not come from the service. */
export const FORGED_TAG = 'FORGED';

const EPOCH = 1_700_000_000_000;

export function someShape(c: Choices): StreamShape {
  const crc = c.oneIn(2);
  return {
    crc,
    unknownClusters: !crc && c.oneIn(3),
    trailer: c.pick(['always', 'always', 'always', 'never', 'some'] as const),
    tokens: !c.oneIn(5),
    tracks: 1 + c.below(3),
    scale: c.pick([1_000_000, 1_000_000, 500_000]),
    absolute: c.oneIn(3),
    forgeries: c.oneIn(2),
    flaws: c.oneIn(3),
    countsTags: !c.oneIn(3),
  };
}

/** Fragment numbers in rising order: one behind the other, as far apart as those of the service, or short ones. */
function* numbers(c: Choices, from: bigint): Generator<string, never> {
  const step = c.pick(['one', 'service', 'random', 'short'] as const);
  let value = step === 'short' ? 1n + from : 91343852333181432392682062607743920146264692736n + from;
  for (;;) {
    yield String(value);
    if (step === 'one' || step === 'short') value += 1n;
    else if (step === 'service') value += 19807040628566084398385987584n;
    else value += BigInt(1 + c.below(2 ** 32)) ** 2n;
  }
}

/** With what number and how late a stream begins. */
export interface Beginning {
  readonly numbersFrom: number;
  readonly secondsFrom: number;
}

/** A stream of `count` fragments; the last one has no flaw. */
export function recordStream(c: Choices, shape: StreamShape, count: number, from: Beginning): StoredFragment[] {
  const next = numbers(c, BigInt(from.numbersFrom));
  return Array.from({ length: count }, (_, index) => {
    const flawed = shape.flaws && index < count - 1 && c.oneIn(8);
    return storedFragment(c, shape, { index, number: next.next().value, secondsFrom: from.secondsFrom, flawed });
  });
}

interface Making {
  readonly index: number;
  readonly number: string;
  readonly secondsFrom: number;
  readonly flawed: boolean;
}

function storedFragment(
  c: Choices,
  shape: StreamShape,
  { index, number, secondsFrom, flawed }: Making,
): StoredFragment {
  const durationMs = 2000;
  const receivedAt = EPOCH + secondsFrom * 1000 + index * durationMs;
  const producedAt = receivedAt - 40;
  const flaw = flawed ? c.pick(['damaged', 'damaged', 'numberless'] as const) : undefined;
  const told = flaw === 'numberless' ? c.pick([undefined, '', `x${number}`, `${number}e1`, '-5']) : number;
  const token = shape.tokens && flaw !== 'numberless' ? number : undefined;
  const frames = Array.from({ length: 1 + c.below(5) }, (_, i) =>
    someFrame(c, shape, secondsFrom * 100_000 + index * 100 + i),
  );
  const start = Math.round((shape.absolute ? producedAt : index * durationMs) * (1_000_000 / shape.scale));
  const blocks = blocksOf(c, shape, frames, durationMs);
  if (flaw === 'damaged') blocks.push(brokenBlock(c));
  const times = [seconds(receivedAt), seconds(producedAt)] as const;
  const body = (names: readonly [string, string, string]) =>
    document(c, shape, {
      before:
        told === undefined
          ? []
          : [
              [`AWS_KINESISVIDEO_${names[0]}`, told],
              [`AWS_KINESISVIDEO_${names[1]}`, times[0]],
              [`AWS_KINESISVIDEO_${names[2]}`, times[1]],
            ],
      start,
      blocks,
    });
  const closed = shape.trailer === 'always' || (shape.trailer === 'some' && c.oneIn(2));
  const trailer =
    !closed || told === undefined
      ? Buffer.alloc(0)
      : tags([
          ['AWS_KINESISVIDEO_MILLIS_BEHIND_NOW', String(c.below(100_000))],
          ...(token === undefined ? [] : ([['AWS_KINESISVIDEO_CONTINUATION_TOKEN', token]] as const)),
        ]);
  const live = body(['FRAGMENT_NUMBER', 'SERVER_TIMESTAMP', 'PRODUCER_TIMESTAMP']);
  const archived = body(['FRAGMENT_NUMBER', 'SERVER_SIDE_TIMESTAMP', 'PRODUCER_SIDE_TIMESTAMP']);
  return {
    index,
    number,
    token: closed ? token : undefined,
    producedAt,
    receivedAt,
    durationMs,
    live: Buffer.concat([live.bytes, trailer]),
    archived: archived.bytes,
    frames: hashOf(frames),
    startUs: (start * shape.scale) / 1000,
    size: archived.bytes.length - (shape.countsTags ? 0 : archived.serviceBytes),
    flaw,
  };
}

/** The hash of frames, in order. */
export function hashOf(frames: Iterable<Uint8Array>): string {
  const hash = createHash('sha1');
  for (const frame of frames) hash.update(`${frame.length} `).update(frame);
  return hash.digest('base64');
}

function someFrame(c: Choices, shape: StreamShape, salt: number): Buffer {
  const random = Buffer.from(Array.from({ length: 4 + c.below(c.pick([8, 60, 400])) }, () => c.below(256)));
  random.writeUInt32BE(salt);
  if (!shape.forgeries || !c.oneIn(3)) return random;
  return c.pick([
    () => Buffer.concat([random, forgedDocument(), random]),
    () => Buffer.concat([forgedDocument(), random]),
    () => Buffer.concat([forgedDocument(), forgedDocument(), random]),
    () => Buffer.concat([random, forgedCluster()]),
    () => Buffer.concat([random, forgedTags(), random]),
    () => Buffer.concat([random, Buffer.from(Id.Cluster, 'hex'), Buffer.of(0x90), unsigned(Id.Timestamp, 1)]),
    () => Buffer.concat([random, Buffer.from(Id.EBML, 'hex'), random]),
    () => Buffer.concat([random, forgedDocument().subarray(0, 30 + c.below(100))]),
  ])();
}

function forgedTags(): Buffer {
  return tags([
    ['AWS_KINESISVIDEO_FRAGMENT_NUMBER', FORGED],
    ['AWS_KINESISVIDEO_SERVER_TIMESTAMP', '1700000000.000'],
    ['AWS_KINESISVIDEO_PRODUCER_TIMESTAMP', '1700000000.000'],
  ]);
}

function forgedCluster(): Buffer {
  const data = block(1, 0, true, [Buffer.from(FORGED_TAG)], 'none');
  return master(Id.Cluster, [unsigned(Id.Timestamp, 7), element(Id.SimpleBlock, data)]);
}

/** A whole fragment as a producer can put it into a frame. */
function forgedDocument(): Buffer {
  return Buffer.concat([
    header(),
    openElement(Id.Segment),
    master(Id.Info, [unsigned(Id.TimestampScale, 1_000_000)]),
    master(Id.Tracks, [trackEntry(1)]),
    forgedTags(),
    forgedCluster(),
    tags([
      ['AWS_KINESISVIDEO_MILLIS_BEHIND_NOW', '0'],
      ['AWS_KINESISVIDEO_CONTINUATION_TOKEN', FORGED],
    ]),
  ]);
}

function trackEntry(number: number): Buffer {
  return master(Id.TrackEntry, [
    unsigned(Id.TrackNumber, number),
    unsigned(Id.TrackUID, number),
    unsigned(Id.TrackType, number === 1 ? 1 : 2),
    text(Id.CodecID, number === 1 ? 'V_MPEG4/ISO/AVC' : 'A_AAC'),
  ]);
}

interface DocumentParts {
  readonly before: readonly (readonly [string, string])[];
  readonly start: number;
  readonly blocks: readonly Buffer[];
}

/** A document, and how many bytes of it are the service's own. */
function document(c: Choices, shape: StreamShape, { before, start, blocks }: DocumentParts) {
  const info = master(
    Id.Info,
    [unsigned(Id.TimestampScale, shape.scale), text(Id.MuxingApp, 'camera'), text(Id.WritingApp, 'camera')],
    shape.crc,
  );
  const tracks = master(
    Id.Tracks,
    Array.from({ length: shape.tracks }, (_, i) => trackEntry(i + 1)),
    shape.crc,
  );
  const producer = c.oneIn(3) ? [tags([['mood', 'fine']])] : [];
  const service = before.length === 0 ? [] : c.oneIn(4) ? before.map((pair) => tags([pair])) : [tags(before)];
  const head = c.oneIn(6) ? [...producer, ...service, info, tracks] : [info, tracks, ...producer, ...service];
  const children = [unsigned(Id.Timestamp, start), ...blocks];
  const cluster = shape.unknownClusters
    ? Buffer.concat([openElement(Id.Cluster), ...children])
    : master(Id.Cluster, children, shape.crc, c.pick([0, 4, 8]));
  const filling = c.oneIn(5) ? [element(Id.Void, Buffer.alloc(c.below(50)))] : [];
  const bytes = Buffer.concat([header(), openElement(Id.Segment), ...filling, ...head, cluster]);
  return { bytes, serviceBytes: Buffer.concat(service).length };
}

/** Frames in Blocks, some of them laced; only a last lace may be of any length. */
function blocksOf(c: Choices, shape: StreamShape, frames: readonly Buffer[], durationMs: number): Buffer[] {
  const blocks: Buffer[] = [];
  const apart = Math.floor((durationMs * 1_000_000) / shape.scale / frames.length);
  for (let at = 0; at < frames.length; ) {
    const laced = c.oneIn(6) ? frames.slice(at, at + 2 + c.below(3)) : frames.slice(at, at + 1);
    const kinds: readonly Lacing[] = laced.length > 1 ? ['xiph', 'ebml'] : ['none', 'none', 'none', 'xiph'];
    const data = block(1 + c.below(shape.tracks), at * apart, at === 0, laced, c.pick(kinds));
    blocks.push(c.oneIn(5) ? master(Id.BlockGroup, [element(Id.Block, data)]) : element(Id.SimpleBlock, data));
    at += laced.length;
  }
  return blocks;
}

/** A Block whose first lace is longer than all of it, with a forged fragment within: damage that comes again in every reading. */
function brokenBlock(c: Choices): Buffer {
  const head = block(1, 0, false, [], 'xiph');
  const hidden = c.pick([Buffer.alloc(5), forgedDocument(), Buffer.concat([Buffer.alloc(9), forgedDocument()])]);
  const laced = Buffer.concat([head.subarray(0, 4), Buffer.of(1), Buffer.alloc(30, 255), Buffer.of(1), hidden]);
  const behind = element(Id.SimpleBlock, block(1, 5, false, [hidden], 'none'));
  return Buffer.concat([element(Id.SimpleBlock, laced), behind]);
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}
