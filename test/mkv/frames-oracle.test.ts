import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { inflateSync } from 'node:zlib';
import { BufferSource, EncodedPacketSink, Input, MATROSKA, WEBM } from 'mediabunny';
import { expect, test } from 'vitest';
import { Mkv } from '../../src/index.js';
import { CAPTURES, captureBytes, captureFacts, splitDocuments } from '../support/captures.js';
import { keep, MEDIA, MEDIA_NAMES, type MediaName, mediaPath } from '../support/media.js';
import { readChunks } from '../support/read-all.js';
import { describeNeeding, runTool, tools } from '../support/tools.js';

/** Hashes of the frames of each track, in the order of the file; the tracks in the order of their entries. */
interface TrackFrames {
  readonly number: number;
  readonly hashes: string[];
}

/** Tracks that mediabunny passes over: it reads no subtitles and undoes no zlib. */
const NOT_IN_MEDIABUNNY: Partial<Record<MediaName, readonly number[]>> = {
  'block-groups.mkv': [3],
  'everything.mkv': [4],
  'zlib.mkv': [1],
};

describeNeeding('the frames against ffprobe', [tools('ffprobe'), MEDIA], () => {
  test.each(MEDIA_NAMES)('%s', async (name) => compareWithFfprobe(await mediaPath(name)));
});

describeNeeding('the frames against mediabunny', [MEDIA], () => {
  test.each(MEDIA_NAMES)('%s', async (name) => {
    await compareWithMediabunny(readFileSync(await mediaPath(name)), NOT_IN_MEDIABUNNY[name]);
  });

  test('frames are the same in every wrapping', async () => {
    const wrappings: MediaName[] = ['ac3.mkv', 'fixed-size-lacing.mkv', 'header-stripping.mkv'];
    const all = await Promise.all(wrappings.map(async (name) => framesOf(readFileSync(await mediaPath(name)))));
    expect(all[0]?.[0]?.hashes.length).toBeGreaterThan(60);
    expect(all[1]).toEqual(all[0]);
    expect(all[2]).toEqual(all[0]);
  });
});

describeNeeding('the frames of the captures against ffprobe', [tools('ffprobe'), CAPTURES], () => {
  test.each(captureFacts().filter(hasFrames))('$file, document by document', ({ file }) => {
    for (const document of splitDocuments(captureBytes(file))) compareWithFfprobe(keep(file, document));
  });
});

describeNeeding('the frames of the captures against mediabunny', [CAPTURES], () => {
  test.each(captureFacts().filter(hasFrames))('$file, document by document', async ({ file }) => {
    for (const document of splitDocuments(captureBytes(file))) await compareWithMediabunny(document);
  });
});

/** Neither of the two opens a file without frames. */
function hasFrames({ fragments }: { readonly fragments: readonly { readonly frames: number }[] }): boolean {
  return fragments.some(({ frames }) => frames > 0);
}

function compareWithFfprobe(path: string): void {
  const ours = framesOf(readFileSync(path)).map(({ hashes }) => hashes);
  expect(ours.flat().length).toBeGreaterThan(0);
  expect(ours).toEqual(framesByFfprobe(path, ours.length));
}

async function compareWithMediabunny(bytes: Uint8Array, except: readonly number[] = []): Promise<void> {
  const ours = framesOf(bytes).filter(({ number }) => !except.includes(number));
  expect(ours.length).toBeGreaterThan(0);
  expect(ours).toEqual(await framesByMediabunny(bytes));
}

/** The frames of Blocks as our reader gives them; what a track's ContentEncodings did to them is undone here. */
function framesOf(bytes: Uint8Array): TrackFrames[] {
  const tracks = new Map<number, TrackFrames & { prefix: Uint8Array | undefined; deflated: boolean }>();
  let number = 0;
  let prefix: Uint8Array | undefined;
  let deflated = false;
  for (const element of readChunks([bytes])) {
    if (element.kind === 'end') {
      if (element.is(Mkv.TrackEntry)) tracks.set(number, { number, hashes: [], prefix, deflated });
      // zlib is what an absent ContentCompAlgo stands for.
      if (element.is(Mkv.ContentCompression)) deflated = prefix === undefined;
    } else if (element.is(Mkv.TrackEntry)) {
      prefix = undefined;
      deflated = false;
    } else if (element.kind === 'data') {
      if (element.is(Mkv.TrackNumber)) number = element.value;
      if (element.is(Mkv.ContentCompSettings)) prefix = element.value;
      if (!element.is(Mkv.SimpleBlock) && !element.is(Mkv.Block)) continue;
      const track = tracks.get(element.value.trackNumber);
      if (track === undefined) throw new Error(`a Block of track ${element.value.trackNumber}, which has no entry`);
      for (const frame of element.value.frames) {
        track.hashes.push(digest(track.prefix ?? new Uint8Array(0), track.deflated ? inflateSync(frame) : frame));
      }
    }
  }
  return [...tracks.values()].map(({ number, hashes }) => ({ number, hashes }));
}

/** Parsers are turned off: they would put packets together or part them. */
const FFPROBE = '-v quiet -fflags +noparse+nofillin -show_packets -show_data_hash sha256 -of json';

function framesByFfprobe(path: string, tracks: number): string[][] {
  const result: { packets: { stream_index: number; data_hash: string }[] } = JSON.parse(
    runTool('ffprobe', [...FFPROBE.split(' '), path]),
  );
  const frames: string[][] = Array.from({ length: tracks }, () => []);
  for (const packet of result.packets) frames[packet.stream_index]?.push(packet.data_hash.replace('SHA256:', ''));
  return frames;
}

async function framesByMediabunny(bytes: Uint8Array): Promise<TrackFrames[]> {
  const input = new Input({ source: new BufferSource(bytes), formats: [MATROSKA, WEBM] });
  const frames: TrackFrames[] = [];
  for (const track of await input.getTracks()) {
    const hashes: string[] = [];
    for await (const packet of new EncodedPacketSink(track).packets()) hashes.push(digest(packet.data));
    frames.push({ number: track.id, hashes });
  }
  return frames;
}

function digest(...parts: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}
