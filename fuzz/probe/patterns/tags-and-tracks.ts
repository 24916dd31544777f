import { unknownElementType } from '../../../src/ebml/element-type.js';
import { Mkv } from '../../../src/mkv/elements.js';
import type { TreeNode } from '../../ebml-tree.js';
import {
  cluster,
  data,
  fragmentTags,
  hex,
  info,
  join,
  kvs,
  type Many,
  master,
  segment,
  simpleBlock,
  simpleTag,
  tags,
  text,
  times,
  trackEntry,
  tracks,
  trailingTags,
  uint,
  unknownSize,
} from '../build.js';
import { type Pattern, pattern } from '../pattern.js';

const frame = () => simpleBlock(hex('0000000165'));
const fragment = (...before: Parameters<typeof segment>) =>
  segment(info(), tracks(trackEntry()), ...before, fragmentTags(1), cluster(0, frame()), trailingTags(1));
const stripping = (settings: Uint8Array) =>
  master(
    Mkv.ContentEncoding,
    master(Mkv.ContentCompression, uint(Mkv.ContentCompAlgo, 3), data(Mkv.ContentCompSettings, settings)),
  );

/** Many tracks, and as many Clusters with an element behind each that a Segment has once. */
const described = (n: number, again: () => TreeNode) =>
  segment(
    info(),
    tracks(times(n, (i) => trackEntry({ number: 128 + i }))),
    times(n, () => [cluster(0, frame()), again()]).flat(),
  );

/** What is said of a fragment and of its tracks. */
export const TAGS_AND_TRACKS: readonly Pattern[] = [
  pattern('many tracks, of which one is described again and again', (n) =>
    described(n, () => tracks(trackEntry({ number: 128 }))),
  ),
  pattern('many tracks, and Info again and again', (n) => described(n, info)),
  pattern('many tracks, and Chapters again and again', (n) => described(n, () => master(Mkv.Chapters))),
  pattern('a Tag of many SimpleTags', (n) => fragment(tags(times(n, (i) => simpleTag(`n${i}`, 'v'))))),
  pattern('SimpleTags of one name', (n) => fragment(tags(times(n, () => simpleTag('n', 'v'))))),
  pattern('Tags of many Tag elements', (n) =>
    fragment(
      master(
        Mkv.Tags,
        times(n, () => master(Mkv.Tag, simpleTag('n', 'v'))),
      ),
    ),
  ),
  pattern('many Tags before the Cluster', (n) => fragment(times(n, () => tags(simpleTag('n', 'v'))))),
  pattern('many Tags behind the Cluster', (n) =>
    segment(
      info(),
      tracks(trackEntry()),
      fragmentTags(1),
      cluster(0, frame()),
      times(n, () => tags(simpleTag('n', 'v'))),
      trailingTags(1),
    ),
  ),
  pattern('many Tags behind the last Cluster, of the service', (n) =>
    segment(
      info(),
      tracks(trackEntry()),
      fragmentTags(1),
      cluster(0, frame()),
      times(n, (i) => trailingTags(i)),
    ),
  ),
  pattern('Tags without end', (n) =>
    join(
      segment(info(), tracks(trackEntry())),
      segmentOf(
        unknownSize(
          master(
            Mkv.Tags,
            times(n, () => master(Mkv.Tag, simpleTag('n', 'v'))),
          ),
        ),
      ),
    ),
  ),
  pattern('a SimpleTag of many SimpleTags', (n) =>
    fragment(
      tags(
        simpleTag(
          'n',
          'v',
          times(n, () => simpleTag('m', 'w')),
        ),
      ),
    ),
  ),
  pattern('a SimpleTag of many names', (n) =>
    fragment(
      tags(
        master(
          Mkv.SimpleTag,
          times(n, () => text(Mkv.TagName, 'n')),
        ),
      ),
    ),
  ),
  pattern('a long tag', (n) => fragment(tags(simpleTag('n', 'v'.repeat(n))))),
  pattern('a long name of a tag', (n) => fragment(tags(simpleTag('n'.repeat(n), 'v')))),
  pattern('a long text of many zeros', (n) => fragment(tags(simpleTag('n', '\0'.repeat(n))))),
  pattern('the fragment number again and again', (n) =>
    fragment(tags(times(n, (i) => kvs('FRAGMENT_NUMBER', `${i}`)))),
  ),
  pattern('a fragment number of many digits', (n) => fragment(tags(kvs('FRAGMENT_NUMBER', '9'.repeat(n))))),
  pattern('a timestamp of many digits', (n) => fragment(tags(kvs('SERVER_TIMESTAMP', `1.${'9'.repeat(n)}`)))),
  pattern('errors again and again', (n) => fragment(tags(times(n, (i) => kvs('ERROR_ID', `${i}`))))),
  pattern('Targets of many tracks', (n) =>
    fragment(
      master(
        Mkv.Tags,
        master(
          Mkv.Tag,
          master(
            Mkv.Targets,
            times(n, (i) => uint(Mkv.TagTrackUID, i + 1)),
          ),
          simpleTag('n', 'v'),
        ),
      ),
    ),
  ),
  pattern('fragments in one Segment', (n) =>
    segment(
      info(),
      tracks(trackEntry()),
      times(n, (i) => [fragmentTags(i), cluster(i * 100, frame()), trailingTags(i)]).flat(),
    ),
  ),
  pattern('fragments', (n) => join(times(n, () => fragment()))),
  pattern('documents of Tags alone', (n) => join(times(n, (i) => segment(fragmentTags(i))))),
  pattern('many tracks', (n) =>
    segment(info(), tracks(times(n, (i) => trackEntry({ number: i + 1 }))), cluster(0, frame())),
  ),
  pattern('many tracks of one number', (n) =>
    segment(info(), tracks(times(n, () => trackEntry())), cluster(0, frame())),
  ),
  pattern('tracks x Clusters', (n) => {
    const root = Math.ceil(n / 2);
    return segment(
      info(),
      tracks(times(root, (i) => trackEntry({ number: i + 1 }))),
      times(root * 3, (i) => cluster(i, frame())),
    );
  }),
  pattern('tracks, each with frames', (n) =>
    segment(
      info(),
      tracks(times(n, (i) => trackEntry({ number: i + 1 }))),
      cluster(
        0,
        times(n, (i) => simpleBlock(hex('0000000165'), 0, (i % 16_000) + 1)),
      ),
    ),
  ),
  pattern('tracks with frames x tags', (n) => fragmentOf(calls(n), tags(times(20 * n, () => simpleTag('n', 'v'))))),
  pattern('tracks with frames x Tags behind them', (n) =>
    fragmentOf(
      calls(n),
      [],
      times(n, () => tags(simpleTag('n', 'v'))),
    ),
  ),
  pattern('tracks with frames, each with a tag that says what they are', (n) =>
    segment(
      info(),
      tracks(calls(n)),
      fragmentTags(1),
      times(n, (i) => [sound(i), tags(simpleTag('MimeType', `audio/L16;rate=${8000 + i};channels=1;`))]).flat(),
    ),
  ),
  pattern('a track of unknown elements', (n) =>
    segment(
      info(),
      tracks(trackEntry({ more: times(n, () => data(unknownElementType(0x81), hex('00'))) })),
      cluster(0, frame()),
    ),
  ),
  pattern('a track of many names', (n) =>
    segment(info(), tracks(trackEntry({ more: times(n, (i) => text(Mkv.Name, `${i}`)) })), cluster(0, frame())),
  ),
  pattern('a track of many Video masters', (n) =>
    segment(
      info(),
      tracks(trackEntry({ more: times(n, () => master(Mkv.Video, uint(Mkv.PixelWidth, 1))) })),
      cluster(0, frame()),
    ),
  ),
  pattern('ContentEncodings again and again', (n) =>
    segment(
      info(),
      tracks(trackEntry({ more: times(n, () => master(Mkv.ContentEncodings, stripping(hex('01')))) })),
      cluster(0, frame()),
    ),
  ),
  pattern('ContentEncodings of many encodings', (n) =>
    segment(
      info(),
      tracks(
        trackEntry({
          more: [
            master(
              Mkv.ContentEncodings,
              times(n, () => stripping(hex('01'))),
            ),
          ],
        }),
      ),
      cluster(0, frame()),
    ),
  ),
  pattern('ContentEncodings of many encodings, and as many frames', (n) =>
    segment(
      info(),
      tracks(
        trackEntry({
          more: [
            master(
              Mkv.ContentEncodings,
              times(n, () => stripping(hex('01'))),
            ),
          ],
        }),
      ),
      cluster(
        0,
        times(n, () => frame()),
      ),
    ),
  ),
  pattern('encodings in falling order', (n) =>
    segment(
      info(),
      tracks(
        trackEntry({
          more: [
            master(
              Mkv.ContentEncodings,
              times(n, (i) =>
                master(Mkv.ContentEncoding, uint(Mkv.ContentEncodingOrder, n - i), master(Mkv.ContentCompression)),
              ),
            ),
          ],
        }),
      ),
      cluster(0, frame()),
    ),
  ),
  pattern('tracks with an encoding each', (n) =>
    segment(
      info(),
      tracks(
        times(n, (i) => trackEntry({ number: i + 1, more: [master(Mkv.ContentEncodings, stripping(hex('01')))] })),
      ),
      cluster(0, frame()),
    ),
  ),
  pattern('header stripping: a long header and many Blocks without bytes', (n) =>
    segment(
      info(),
      tracks(
        trackEntry({ codecId: 'V_MJPEG', more: [master(Mkv.ContentEncodings, stripping(new Uint8Array(n * 6)))] }),
      ),
      cluster(
        0,
        times(n, () => simpleBlock(new Uint8Array(0))),
      ),
    ),
  ),
  pattern('header stripping: a long header of H.264 and many Blocks without bytes', (n) =>
    segment(
      info(),
      tracks(
        trackEntry({
          codecPrivate: hex('014d4016ffe10017674d4016bb088283f60220000003002000000641e2c5b08c01000668e843874b20'),
          more: [master(Mkv.ContentEncodings, stripping(nalOf(n * 6)))],
        }),
      ),
      cluster(
        0,
        times(n, () => simpleBlock(new Uint8Array(0))),
      ),
    ),
  ),
  pattern('header stripping: laces without bytes', (n) =>
    segment(
      info(),
      tracks(
        trackEntry({
          audio: true,
          codecId: 'A_PCM/INT/LIT',
          more: [master(Mkv.ContentEncodings, stripping(new Uint8Array(n)))],
        }),
      ),
      cluster(
        0,
        times(Math.ceil(n / 256), () => simpleBlock(join(Uint8Array.of(255), new Uint8Array(255)), 0, 1, 0x82)),
      ),
    ),
  ),
];

/** Tracks of the names that Amazon Connect gives: their frames are samples. */
function calls(n: number): TreeNode[] {
  const name = text(Mkv.Name, 'AUDIO_FROM_CUSTOMER');
  return times(n, (i) => trackEntry({ number: i + 1, audio: true, more: [name] }));
}

function sound(track: number): TreeNode {
  return cluster(track, simpleBlock(hex('00010002'), 0, (track % 16_000) + 1));
}

/** A fragment with a frame of each track. */
function fragmentOf(
  entries: readonly TreeNode[],
  before: Many<TreeNode>,
  behind: readonly TreeNode[] = [],
): Uint8Array {
  const frames = entries.map((_, i) => simpleBlock(hex('00010002'), 0, (i % 16_000) + 1));
  return segment(info(), tracks(entries), fragmentTags(1), before, cluster(0, frames), behind, trailingTags(1));
}

/** A key frame of one NAL unit. */
function nalOf(length: number): Uint8Array {
  const bytes = new Uint8Array(length + 5).fill(0x55);
  new DataView(bytes.buffer).setUint32(0, length + 1);
  bytes[4] = 0x65;
  return bytes;
}

/** Children without the document around them. */
function segmentOf(...children: Parameters<typeof segment>): Uint8Array {
  const whole = segment(...children);
  return whole.subarray(segment().length);
}
