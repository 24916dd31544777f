import { readFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { concatBytes, writeElement, writeHeader, writeMaster } from '../src/ebml/writer.js';
import {
  Mkv,
  type MkvElementType,
  MkvParseError,
  type ReadFramesOptions,
  readFragments,
  readFrames,
} from '../src/index.js';
import { writeGetMediaFragment } from '../src/testing/get-media-writer.js';
import { noise } from './support/bytes.js';

const FRAME = 100;

/** A fragment of four frames; `extra` stands right behind its Cluster. */
function fragment(index: number, extra: Uint8Array = new Uint8Array(0)): Uint8Array {
  const number = String(1000 + index);
  return writeGetMediaFragment(
    {
      tracks: [{ number: 1, codecId: 'V_VP8', video: { pixelWidth: 320, pixelHeight: 240 } }],
      tags: [['Lat', '47.608013N']],
      fragmentNumber: number,
      producerTimestamp: 1_700_000_000_000,
      continuationToken: number,
      millisBehindNow: 0,
      blocks: [0, 1, 2, 3].map((i) => ({
        track: 1,
        timestamp: (index * 4 + i) * 40_000,
        keyframe: i === 0,
        frames: [noise(FRAME, index * 4 + i)],
      })),
    },
    { crc: true, afterCluster: extra },
  );
}

const FIRST = fragment(0);
const SECOND = fragment(1);
const BODY = concatBytes([FIRST, SECOND]);
const CLUSTER = find(FIRST, Mkv.Cluster);
/** The second frame's SimpleBlock in the first fragment. */
const BLOCK = Buffer.from(FIRST).indexOf(noise(FRAME, 1)) - 6;
const TIMESTAMP = BODY.indexOf(Mkv.Timestamp.id, CLUSTER);

function find(bytes: Uint8Array, type: MkvElementType): number {
  return Buffer.from(bytes).indexOf(writeHeader(type, 0).slice(0, -1));
}

/** The first half of a fragment and the second half of the next: what nothing but a CRC-32 can tell. */
const HALVES = [FIRST.subarray(0, BLOCK + 50), SECOND.subarray(BLOCK + 50)];

/** The body with other bytes from `start` to `end`. */
function change(start: number, end: number, bytes: Uint8Array): Uint8Array {
  return concatBytes([BODY.subarray(0, start), bytes, BODY.subarray(end)]);
}

/** The body with an element between the first fragment's Cluster and the Tags behind it. */
function withElement(...parts: Uint8Array[]): Uint8Array {
  return concatBytes([fragment(0, concatBytes(parts)), SECOND]);
}

/** The body with a Cluster of other children after the first fragment's own. */
function withCluster(...children: Uint8Array[]): Uint8Array {
  return withElement(writeMaster(Mkv.Cluster, [writeElement(Mkv.Timestamp, 160), ...children]));
}

const block = (...bytes: number[]) => writeElement(Mkv.SimpleBlock, Uint8Array.from(bytes));

/** The header of an element that says it has so many bytes, in a size field of 8 bytes. */
function header(type: MkvElementType, size: bigint): Uint8Array {
  const field = new Uint8Array(8);
  new DataView(field.buffer).setBigUint64(0, size | (1n << 56n));
  return concatBytes([writeHeader(type, 0).slice(0, -1), field]);
}

/** A SimpleBlock of that size, after which the stream goes on. */
const sized = (size: bigint) => withElement(writeHeader(Mkv.Cluster, undefined), header(Mkv.SimpleBlock, size));

/** The body with another size in the first Segment's header, whose size field has 8 bytes. */
function segmentSize(size: bigint): Uint8Array {
  const at = find(FIRST, Mkv.Segment);
  return change(at, at + 12, header(Mkv.Segment, size));
}

const nested = (depth: number) =>
  Array.from({ length: depth }).reduce<Uint8Array>((inner) => writeMaster(Mkv.SimpleTag, [inner]), new Uint8Array(0));
const tags = (content: Uint8Array) => writeMaster(Mkv.Tags, [writeMaster(Mkv.Tag, [content])]);
const text = (words: string) => new TextEncoder().encode(words);

const wrongCrc = (() => {
  const bytes = BODY.slice();
  bytes[CLUSTER + 60] = (bytes[CLUSTER + 60] ?? 0) ^ 1;
  return bytes;
})();

/** Inputs by name; each is read with no option, with `strict` and with `recover`, and `options` besides. */
const CASES: readonly (readonly [name: string, bytes: Uint8Array, options?: ReadFramesOptions])[] = [
  ['nothing wrong', BODY],
  ['empty', new Uint8Array(0)],

  ['**Cut off** in a frame', BODY.subarray(0, BLOCK + 50)],
  ['cut off in the header of an element', BODY.subarray(0, BLOCK + 1)],
  ['cut off between two frames', BODY.subarray(0, BLOCK)],
  [
    'cut off behind the Cluster, before the Tags that end a fragment',
    BODY.subarray(0, FIRST.length + find(SECOND, Mkv.Cluster)),
  ],
  ['cut off between two fragments', FIRST],
  ['begins in the middle of a Cluster', BODY.subarray(BLOCK + 20)],
  ['begins with a Cluster', BODY.subarray(CLUSTER)],

  ['**Damaged:** a bit within a frame', change(BLOCK + 50, BLOCK + 51, Uint8Array.of((BODY[BLOCK + 50] ?? 0) ^ 1))],
  ['the id of a Cluster', change(CLUSTER, CLUSTER + 1, Uint8Array.of(0))],
  ['the size of a Cluster, too small', change(CLUSTER + 4, CLUSTER + 6, Uint8Array.of(0x40, 0x40))],
  ['the size of a Cluster, too large', change(CLUSTER + 4, CLUSTER + 6, Uint8Array.of(0x44, 0x40))],
  // Its id becomes that of a Void element.
  ['the Timestamp of a Cluster', change(TIMESTAMP, TIMESTAMP + 1, Uint8Array.of(Mkv.Void.id))],
  ['the size of a SimpleBlock', change(BLOCK + 1, BLOCK + 2, Uint8Array.of(0xf0))],
  ['the EBML id of the second document', change(FIRST.length, FIRST.length + 1, Uint8Array.of(0))],
  ['150 bytes are zero', change(BLOCK - 20, BLOCK + 130, new Uint8Array(150))],
  ['150 bytes are missing', change(BLOCK - 20, BLOCK + 130, new Uint8Array(0))],
  ['150 bytes of noise are inserted', change(BLOCK, BLOCK, noise(150, 9))],
  ['the beginning of one fragment and the end of another', concatBytes([...HALVES, fragment(2)])],
  ['the same, with `verifyCrc`', concatBytes([...HALVES, fragment(2)]), { verifyCrc: true }],
  [
    'the same, not cut at the same place',
    concatBytes([FIRST.subarray(0, BLOCK + 50), SECOND.subarray(BLOCK + 20), fragment(2)]),
  ],

  ['**Hostile sizes:** a SimpleBlock of 2^31 - 1 bytes', sized(2n ** 31n - 1n)],
  ['a SimpleBlock of 2^31 bytes', sized(2n ** 31n)],
  ['a SimpleBlock of 2^32 bytes', sized(2n ** 32n)],
  ['a SimpleBlock of 2^53 - 1 bytes', sized(2n ** 53n - 1n)],
  ['a SimpleBlock of 2^53 bytes', sized(2n ** 53n)],
  ['a SimpleBlock of 2^56 - 2 bytes', sized(2n ** 56n - 2n)],
  ['a SimpleBlock of unknown size', sized(2n ** 56n - 1n)],
  ['Tags of 2^53 - 1 bytes', withElement(header(Mkv.Tags, 2n ** 53n - 1n))],
  ['Tags of unknown size', withElement(writeHeader(Mkv.Tags, undefined))],
  [
    'an unknown element of 2^53 - 1 bytes',
    withElement(Uint8Array.of(0x93), header(Mkv.Tags, 2n ** 53n - 1n).subarray(4)),
  ],
  ['a size field without its marker', withElement(Uint8Array.of(0xec, 0))],
  ['an element id of 5 bytes', withElement(Uint8Array.of(8, 1, 2, 3, 4, 0x80))],

  ['**Lying Segment sizes:** 0', segmentSize(0n)],
  ['half of what it has', segmentSize(BigInt(FIRST.length >> 1))],
  ['more than it has, so that the next document lies within', segmentSize(BigInt(FIRST.length + 100))],
  ['2^53 - 1', segmentSize(2n ** 53n - 1n)],

  ['**Hostile nesting:** SimpleTags, 64 masters open', withElement(tags(nested(61)))],
  ['SimpleTags, 65 masters open', withElement(tags(nested(62)))],
  [
    '100,000 SimpleTags of unknown size within each other',
    withElement(
      ...[Mkv.Tags, Mkv.Tag].map((type) => writeHeader(type, undefined)),
      new Uint8Array(300_000).map((_, i) => [0x67, 0xc8, 0xff][i % 3] ?? 0),
    ),
  ],
  ['a Segment in a Cluster', withCluster(writeMaster(Mkv.Segment, []))],

  ['**Hostile lacing:** sizes past the end', withCluster(block(0x81, 0, 0, 2, 3, 255, 255))],
  ['a lace of negative size', withCluster(block(0x81, 0, 0, 6, 2, 0x81, 0x80, 1, 2, 3))],
  ['a lace of 2^56 - 2 bytes', withCluster(block(0x81, 0, 0, 6, 1, 1, 255, 255, 255, 255, 255, 255, 254, 1))],
  ['a fixed size that does not divide', withCluster(block(0x81, 0, 0, 4, 2, 1, 2, 3, 4))],
  ['256 laces of no bytes', withCluster(block(0x81, 0, 0, 4, 255))],
  ['a Block without header', withCluster(block(0x81))],

  ['**Wrong CRC-32**', wrongCrc],
  ['wrong CRC-32, with `verifyCrc`', wrongCrc, { verifyCrc: true }],

  [
    '**Numbers:** a Timestamp of 2^53 - 1',
    withElement(writeMaster(Mkv.Cluster, [writeElement(Mkv.Timestamp, 2n ** 53n - 1n), block(0x81, 0, 0, 0x80, 1)])),
  ],
  [
    'a Timestamp of 2^53',
    withElement(writeMaster(Mkv.Cluster, [writeElement(Mkv.Timestamp, 2n ** 53n), block(0x81, 0, 0, 0x80, 1)])),
  ],
  [
    'a Timestamp of 9 bytes',
    withElement(
      writeMaster(Mkv.Cluster, [writeHeader(Mkv.Timestamp, 9), new Uint8Array(9), block(0x81, 0, 0, 0x80, 1)]),
    ),
  ],
  ['a track number of 2^31', withCluster(block(8, 0x80, 0, 0, 0, 0, 0, 0x80, 1))],
  ['a track number of 2^53', withCluster(block(1, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 1))],
  ['a second Tracks', withElement(writeMaster(Mkv.Tracks, []), writeMaster(Mkv.Tracks, []))],
  [
    'another DocType',
    concatBytes([
      writeMaster(Mkv.EBML, [writeElement(Mkv.DocType, 'something')]),
      BODY.subarray(find(FIRST, Mkv.Segment)),
    ]),
  ],

  ['**No Matroska:** text', text('Service Unavailable\n'.repeat(20))],
  ['HTML', text('<html><body><h1>503 Service Unavailable</h1></body></html>')],
  ['a JSON error body', text('{"__type":"ResourceNotFoundException","Message":"The requested stream is not found."}')],
  ['a body compressed with gzip', gzipSync(BODY)],
  ['an MP4', text('\0\0\0\x18ftypisom\0\0\0\0isomiso2\0\0\0\x08moov')],
  ['zeros', new Uint8Array(1000)],
  ['bytes of 255', new Uint8Array(1000).fill(255)],
  ['noise', noise(5000, 3)],
  ['a JSON error body behind a fragment', concatBytes([FIRST, text('{"message":"Internal failure"}')])],
];

const TABLE = /<!-- table -->[\s\S]*<!-- \/table -->/;

const plural = (count: number, word: string) => `${count} ${word}${count === 1 ? '' : 's'}`;

/** What comes of it, in words. Only a MkvParseError may be thrown, and none with `recover`. */
async function outcome(bytes: Uint8Array, options: ReadFramesOptions): Promise<string> {
  let frames = 0;
  let fragments = 0;
  let cut = 0;
  let code: string | undefined;
  let gaps = 0;
  let lost = 0;
  const warnings = new Set<string>();
  try {
    for await (const _ of readFrames(bytes, options)) frames++;
  } catch (error) {
    if (!(error instanceof MkvParseError)) throw error;
    code = error.code;
  }
  try {
    const onGap = ({ length }: { length: number }) => {
      gaps++;
      lost += length;
    };
    const reading = { ...options, onGap, onWarning: ({ code: word }: { code: string }) => warnings.add(word) };
    for await (const { truncated } of readFragments(bytes, reading)) {
      fragments++;
      if (truncated) cut++;
    }
  } catch (error) {
    if (!(error instanceof MkvParseError)) throw error;
    expect(error.code).toBe(code);
  }
  const given = `${plural(fragments, 'fragment')}${cut === 0 ? '' : `, ${cut} cut`}, ${plural(frames, 'frame')}`;
  const first = code === undefined ? given : `\`${code}\`${frames === 0 ? '' : ` after ${given}`}`;
  const gap = gaps === 0 ? [] : [`${plural(gaps, 'gap')} of ${plural(lost, 'byte')}`];
  return [first, ...gap, ...[...warnings].map((word) => `warns \`${word}\``)].join('; ');
}

it('docs/robustness.md tells what bad input gives', async () => {
  const rows: string[] = [];
  for (const [name, bytes, options] of CASES) {
    const plain = await outcome(bytes, { ...options });
    const strict = await outcome(bytes, { ...options, strict: true });
    const recovered = await outcome(bytes, { ...options, recover: true });
    rows.push(
      `| ${name} | ${plain} | ${strict === plain ? 'the same' : strict} | ${recovered === plain ? 'the same' : recovered} |`,
    );
    expect(recovered, name).not.toMatch(/^`/);
  }
  const file = new URL('../docs/robustness.md', import.meta.url);
  const text = readFileSync(file, 'utf8');
  const [before = '', after = ''] = text.split(TABLE);
  const { UPDATE_DOCS } = process.env;
  if (UPDATE_DOCS === 'true') {
    const head = ['| input | by default | `strict` | `recover` |', '|---|---|---|---|'];
    const table = [...head, ...rows].join('\n');
    writeFileSync(file, `${before}<!-- table -->\n\n${table}\n\n<!-- /table -->${after}`);
    return;
  }
  // How wide the columns are is the formatter's.
  const written = (TABLE.exec(text)?.[0] ?? '').split('\n').filter((line) => line.startsWith('|'));
  expect(written.slice(2).map((line) => line.replace(/ +/g, ' '))).toEqual(rows);
}, 60_000);
