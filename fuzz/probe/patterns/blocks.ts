import { Mkv } from '../../../src/mkv/elements.js';
import {
  blockData,
  cluster,
  data,
  fragmentTags,
  hex,
  info,
  join,
  master,
  segment,
  simpleBlock,
  times,
  trackEntry,
  tracks,
  trailingTags,
  uint,
  video,
} from '../build.js';
import { type Pattern, pattern } from '../pattern.js';

const AVCC = hex('014d4016ffe10017674d4016bb088283f60220000003002000000641e2c5b08c01000668e843874b20');
const KEY = hex('0000000465888400');
const OTHER = hex('00000003419a24');
const group = (...more: Parameters<typeof master>[1][]) =>
  master(Mkv.BlockGroup, data(Mkv.Block, blockData(OTHER, 0, 1, 0)), ...more);
/** Frames in one Cluster, at these milliseconds. */
const timed = (at: readonly number[]) =>
  video(
    AVCC,
    cluster(
      100_000,
      at.map((ms, i) => simpleBlock(i === 0 ? KEY : OTHER, ms, 1, i === 0 ? 0x80 : 0)),
    ),
  );
const within = (value: number) => Math.max(-32_000, Math.min(32_000, value));

/** Blocks, laces and times. */
export const BLOCKS: readonly Pattern[] = [
  pattern('Blocks without bytes', (n) =>
    video(
      AVCC,
      cluster(
        0,
        times(n, () => simpleBlock(new Uint8Array(0))),
      ),
    ),
  ),
  pattern('Blocks of a byte', (n) =>
    video(
      AVCC,
      cluster(
        0,
        times(n, () => simpleBlock(hex('00'))),
      ),
    ),
  ),
  pattern('frames', (n) => timed(times(n, (i) => within(i)))),
  pattern('frames in falling order of time', (n) => timed(times(n, (i) => within(-i)))),
  pattern('Clusters in falling order of time', (n) =>
    video(
      AVCC,
      times(n, (i) => cluster(1_000_000 - i * 40, simpleBlock(KEY))),
    ),
  ),
  pattern('frames of one time', (n) => timed(times(n, () => 0))),
  pattern('frames whose times go to and fro', (n) => timed(times(n, (i) => within((i % 2 === 0 ? 1 : -1) * i)))),
  pattern('one frame that is shown behind all others', (n) =>
    timed(times(n, (i) => (i === 0 ? 32_000 : within(i - 20_000)))),
  ),
  pattern('frames in shuffled order of time', (n) => timed(times(n, (i) => within((i * 7919) % 30_011)))),
  pattern('audio in falling order of time', (n) =>
    segment(
      info(),
      tracks(trackEntry({ audio: true, codecPrivate: hex('1190') })),
      cluster(
        100_000,
        times(n, (i) => simpleBlock(hex('2110'), within(-i))),
      ),
    ),
  ),
  pattern('audio', (n) =>
    segment(
      info(),
      tracks(trackEntry({ audio: true, codecPrivate: hex('1190') })),
      cluster(
        0,
        times(n, (i) => simpleBlock(hex('2110'), within(i * 21))),
      ),
    ),
  ),
  pattern('audio whose every frame leaves a gap', (n) =>
    segment(
      info(),
      tracks(trackEntry({ audio: true, codecPrivate: hex('1190') })),
      times(n, (i) => cluster(i * 3000, simpleBlock(hex('2110')))),
    ),
  ),
  pattern('laces without bytes, Xiph', (n) =>
    laced(n, 0x82, (count) => join(Uint8Array.of(count - 1), new Uint8Array(count - 1))),
  ),
  pattern('laces without bytes, fixed', (n) => laced(n * 30, 0x84, (count) => Uint8Array.of(count - 1))),
  pattern('laces without bytes, EBML', (n) =>
    laced(n, 0x86, (count) => join(Uint8Array.of(count - 1, 0x80), new Uint8Array(count - 2).fill(0xbf))),
  ),
  pattern('a lace of many bytes of size', (n) =>
    video(
      AVCC,
      cluster(
        0,
        simpleBlock(
          join(Uint8Array.of(1), new Uint8Array(n).fill(255), Uint8Array.of(0), new Uint8Array(n * 255)),
          0,
          1,
          0x82,
        ),
      ),
    ),
  ),
  pattern('Blocks of tracks that nobody described', (n) =>
    video(
      AVCC,
      cluster(
        0,
        times(n, (i) => simpleBlock(OTHER, 0, (i % 16_000) + 2)),
      ),
    ),
  ),
  pattern('Blocks of a track that nobody described', (n) =>
    video(
      AVCC,
      cluster(
        0,
        times(n, () => simpleBlock(OTHER, 0, 5)),
      ),
    ),
  ),
  pattern('a new track number in each Cluster', (n) =>
    video(
      AVCC,
      times(n, (i) => cluster(i, simpleBlock(OTHER, 0, (i % 16_000) + 2))),
    ),
  ),
  pattern('a new track in each document', (n) =>
    join(
      times(n, (i) =>
        segment(
          info(),
          tracks(trackEntry({ number: (i % 16_000) + 1, codecPrivate: AVCC })),
          cluster(i, simpleBlock(KEY, 0, (i % 16_000) + 1)),
        ),
      ),
    ),
  ),
  pattern('another CodecPrivate in each document', (n) =>
    join(times(n, (i) => video(join(AVCC, Uint8Array.of(i >> 8, i & 255)), cluster(i, simpleBlock(KEY))))),
  ),
  pattern('tracks that change places', (n) =>
    join(
      times(n, (i) =>
        segment(
          info(),
          tracks(
            trackEntry({ number: 1 + (i % 2), codecPrivate: AVCC }),
            trackEntry({ number: 2 - (i % 2), audio: true, codecPrivate: hex('1190') }),
          ),
          cluster(i * 100, simpleBlock(KEY, 0, 1 + (i % 2)), simpleBlock(hex('2110'), 0, 2 - (i % 2))),
        ),
      ),
    ),
  ),
  pattern('two tracks in turn', (n) =>
    segment(
      info(),
      tracks(trackEntry({ codecPrivate: AVCC }), trackEntry({ number: 2, audio: true, codecPrivate: hex('1190') })),
      cluster(
        0,
        times(n, (i) => (i % 2 === 0 ? simpleBlock(KEY, within(i)) : simpleBlock(hex('2110'), within(i), 2))),
      ),
    ),
  ),
  pattern('video with a track that stays silent', (n) =>
    segment(
      info(),
      tracks(trackEntry({ codecPrivate: AVCC }), trackEntry({ number: 2, audio: true, codecPrivate: hex('1190') })),
      times(n, (i) => cluster(i * 40, simpleBlock(KEY))),
    ),
  ),
  pattern('fragments that begin anew', (n) =>
    join(
      times(n, (i) =>
        segment(
          info(),
          tracks(trackEntry({ codecPrivate: AVCC })),
          fragmentTags(i),
          cluster((i % 3) * 1000, simpleBlock(KEY)),
          trailingTags(i),
        ),
      ),
    ),
  ),
  pattern('fragments far from each other', (n) =>
    join(
      times(n, (i) =>
        segment(
          info(),
          tracks(trackEntry({ codecPrivate: AVCC })),
          fragmentTags(i),
          cluster(i * 1_000_000, simpleBlock(KEY)),
          trailingTags(i),
        ),
      ),
    ),
  ),
  pattern('BlockGroups', (n) =>
    video(
      AVCC,
      cluster(
        0,
        times(n, () => group()),
      ),
    ),
  ),
  pattern('a BlockGroup of many ReferenceBlocks', (n) =>
    video(AVCC, cluster(0, group(times(n, () => uint(Mkv.ReferenceBlock, 1))))),
  ),
  pattern('a BlockGroup of many Blocks', (n) =>
    video(AVCC, cluster(0, group(times(n, () => data(Mkv.Block, blockData(OTHER, 0, 1, 0)))))),
  ),
  pattern('a BlockGroup of many durations', (n) =>
    video(AVCC, cluster(0, group(times(n, () => uint(Mkv.BlockDuration, 1))))),
  ),
  pattern('BlockAdditions', (n) =>
    video(
      AVCC,
      cluster(
        0,
        group(
          master(
            Mkv.BlockAdditions,
            times(n, (i) => master(Mkv.BlockMore, uint(Mkv.BlockAddID, i + 1), data(Mkv.BlockAdditional, hex('00')))),
          ),
        ),
      ),
    ),
  ),
  pattern('a Cluster of many Timestamps', (n) =>
    video(
      AVCC,
      cluster(
        0,
        times(n, (i) => uint(Mkv.Timestamp, i)),
        simpleBlock(KEY),
      ),
    ),
  ),
  pattern('a Cluster of many PrevSizes', (n) =>
    video(
      AVCC,
      cluster(
        0,
        times(n, (i) => uint(Mkv.PrevSize, i)),
        simpleBlock(KEY),
      ),
    ),
  ),
  pattern('Clusters of a frame', (n) =>
    video(
      AVCC,
      times(n, (i) => cluster(i * 40, simpleBlock(KEY))),
    ),
  ),
  pattern('key frames alone', (n) =>
    video(
      AVCC,
      cluster(
        0,
        times(n, (i) => simpleBlock(KEY, within(i))),
      ),
    ),
  ),
  pattern('no key frame', (n) =>
    video(
      AVCC,
      cluster(
        0,
        times(n, (i) => simpleBlock(OTHER, within(i), 1, 0)),
      ),
    ),
  ),
];

/** Laces in Blocks of 256. */
function laced(n: number, flags: number, content: (count: number) => Uint8Array): Uint8Array {
  const track = trackEntry({ audio: true, codecPrivate: hex('1190') });
  return segment(
    info(),
    tracks(track),
    cluster(
      0,
      times(Math.ceil(n / 256), () => simpleBlock(content(256), 0, 1, flags)),
    ),
  );
}
