import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Mkv, type MkvDataElement } from '../../src/index.js';
import { CAPTURES, captureBytes, captureFacts, splitDocuments } from '../support/captures.js';
import { keep, MEDIA, MEDIA_NAMES, mediaPath } from '../support/media.js';
import { type InfoLine, MKVINFO_LABELS, runMkvinfo } from '../support/mkvinfo.js';
import { readChunks } from '../support/read-all.js';
import { describeNeeding, tools } from '../support/tools.js';

/** What mkvinfo should show of an element: its place, and its value if mkvinfo's way to show it is known. */
interface Expected extends Omit<InfoLine, 'text'> {
  readonly agrees?: (text: string) => boolean;
}

describeNeeding('the elements against mkvinfo', [tools('mkvinfo'), MEDIA], () => {
  test.each(MEDIA_NAMES)('%s', async (name) => compare(await mediaPath(name)));
});

describeNeeding('the elements of the captures against mkvinfo', [tools('mkvinfo'), CAPTURES], () => {
  test.each(captureFacts())('$file, document by document', ({ file, counts: { EBML } }) => {
    // mkvinfo loses its way where a second document begins.
    const documents = splitDocuments(captureBytes(file));
    expect(documents.length).toBe(EBML);
    for (const document of documents) compare(keep(file, document));
  });
});

function compare(path: string): void {
  const seen = runMkvinfo(path);
  const expected = expectedLines(new Uint8Array(readFileSync(path)));
  expect(expected.map(({ agrees: _, ...place }) => place)).toEqual(seen.map(({ text: _, ...place }) => place));
  const wrong = seen.filter(({ text }, index) => expected[index]?.agrees?.(text) === false);
  expect(wrong).toEqual([]);
}

/** The elements as our reader finds them, in mkvinfo's words. */
function expectedLines(bytes: Uint8Array): Expected[] {
  const lines: Expected[] = [];
  let scale = 1_000_000;
  let clusterTime = 0;
  for (const element of readChunks([bytes])) {
    const { type, offset, headerSize, dataSize } = element;
    if (element.kind === 'end' || type === Mkv['CRC-32']) continue;
    const level = element.path.length;
    const label = MKVINFO_LABELS[type.name ?? ''] ?? `no label for ${type.name}`;
    const size = dataSize === undefined ? undefined : headerSize + dataSize;
    if (element.kind === 'start') {
      lines.push({ level, label, offset, size, dataSize });
      continue;
    }
    if (element.is(Mkv.TimestampScale)) scale = element.value;
    if (element.is(Mkv.Timestamp)) clusterTime = element.value;
    if (!element.is(Mkv.SimpleBlock) && !element.is(Mkv.Block)) {
      lines.push({ level, label, offset, size, dataSize, agrees: (text) => valueAgrees(element, text, scale) });
      continue;
    }
    const block = element.value;
    const time = (clusterTime + block.relativeTimestamp) * scale;
    lines.push({ level, label, offset, size, dataSize, agrees: (text) => text === blockText(element, time) });
    for (const frame of block.frames) {
      const at = offset + headerSize + frame.byteOffset - element.data.byteOffset;
      lines.push({ level: level + 1, label: 'Frame', offset: at, size: frame.length, dataSize: undefined });
    }
  }
  return lines;
}

function blockText(element: MkvDataElement, time: number): string {
  if (!element.is(Mkv.SimpleBlock) && !element.is(Mkv.Block)) throw new TypeError('not a Block');
  const { simple, keyframe, discardable, trackNumber, frameCount } = element.value;
  const flags = `${simple && keyframe ? 'key, ' : ''}${simple && discardable ? 'discardable, ' : ''}`;
  return `${flags}track number ${trackNumber}, ${frameCount} frame(s), timestamp ${clock(time)}`;
}

/** Elements whose values are times in units of TimestampScale; mkvinfo shows them in seconds. */
const SCALED: ReadonlySet<unknown> = new Set([
  Mkv.Timestamp,
  Mkv.BlockDuration,
  Mkv.ReferenceBlock,
  Mkv.CueTime,
  Mkv.CueDuration,
  Mkv.Duration,
]);

/** Whether mkvinfo shows the value that our reader gives. */
function valueAgrees(element: MkvDataElement, text: string, scale: number): boolean {
  const { value, type } = element;
  if (type === Mkv.TrackType)
    return text === ['', 'video', 'audio'][Number(value)] || (text === 'subtitles' && value === 17);
  if (typeof value === 'string') return text === value;
  if (type === Mkv.DateUTC)
    return (
      text ===
      element.dateValue
        .toISOString()
        .replace('T', ' ')
        .replace(/\.\d+Z/, ' UTC')
    );
  if (value instanceof Uint8Array) return bytesAgree(value, text);
  if (/\d\d:\d\d:\d\d\./.test(text)) {
    return text.replace(/ \(.*/, '') === clock(Number(value) * (SCALED.has(type) ? scale : 1));
  }
  // A word for the number may follow, or the name of an element that mkvinfo has no words for stands in its place.
  const number = text.replace(/ \(.*/, '');
  if (type.type === 'float') return Math.abs(Number(value) - Number(number)) <= Number(number) * 1e-5;
  return number === String(value) || type === Mkv.AlphaMode;
}

/** Bytes are shown as a length, as the first of them in hexadecimal, or as both. */
function bytesAgree(value: Uint8Array, text: string): boolean {
  const length = /^(?:size|length) (\d+)/.exec(text)?.[1];
  const shown = [...text.matchAll(/\b0x([\da-f]{2})\b/g)].map(([, digits = '']) => Number.parseInt(digits, 16));
  if (length === undefined && shown.length === 0) return false;
  return (
    (length === undefined || Number(length) === value.length) && shown.every((byte, index) => byte === value[index])
  );
}

/** Nanoseconds as mkvinfo writes them: hours, minutes, seconds. */
function clock(nanoseconds: number): string {
  const whole = BigInt(Math.round(Math.abs(nanoseconds)));
  const seconds = whole / 1_000_000_000n;
  const parts = [seconds / 3600n, (seconds / 60n) % 60n, seconds % 60n].map((part) => String(part).padStart(2, '0'));
  return `${nanoseconds < 0 ? '-' : ''}${parts.join(':')}.${String(whole % 1_000_000_000n).padStart(9, '0')}`;
}
