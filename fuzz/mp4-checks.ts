import { crc32 } from '../src/ebml/crc32.js';
import type { Mp4Segment } from '../src/mp4/index.js';
import { ensure } from './finding.js';
import { listBoxes, listRuns, viewOf } from './mp4-boxes.js';

/**
 * Holds a segment to what every one is: its boxes fit, runs lie where they say, times go on. Returns it as a line.
 *
 * @param lasts the last decode time of each track, which is kept up to date
 */
export function checkSegment(segment: Mp4Segment, lasts: Map<number, bigint>): string {
  const { bytes, type } = segment;
  const boxes = listBoxes(bytes);
  const of = (name: string) => boxes.find((box) => box.type === name);
  if (type === 'init') {
    ensure(of('ftyp') !== undefined && of('moov') !== undefined, 'an initialization segment lacks boxes');
    ensure(boxes.filter((box) => box.type === 'trak').length === segment.tracks.length, 'a wrong number of tracks');
    ensure(!/undefined|NaN|null/.test(segment.mimeType), () => `a MIME type <${segment.mimeType}>`);
    lasts.clear();
    return `init ${segment.mimeType} ${crc32(bytes)}`;
  }
  const mdat = of('mdat');
  const moof = of('moof');
  ensure(mdat !== undefined && moof !== undefined, 'a media segment lacks boxes');
  let at = mdat.body;
  for (const run of listRuns(bytes, boxes)) {
    ensure(moof.body - 8 + run.dataOffset === at, 'the data of a run is not where it is said to be');
    ensure(run.decodeTime > (lasts.get(run.track) ?? -1n), 'decode times go back');
    let time = run.decodeTime;
    for (const { duration, size } of run.samples) {
      ensure(duration > 0, 'two samples are decoded at one time');
      lasts.set(run.track, time);
      time += BigInt(duration);
      at += size;
    }
  }
  ensure(at === mdat.end, 'samples and media are not of one size');
  for (const { start, duration } of segment.tracks)
    ensure(Number.isFinite(start) && Number.isFinite(duration) && duration >= 0, 'times that are no numbers');
  ensure(Number.isFinite(segment.gap) && segment.gap >= 0, () => `a gap of <${segment.gap}>`);
  return `media ${bytes.length} ${crc32(bytes)} ${segment.discontinuity}`;
}

/** Holds a file to what every one is: chunks of samples lie in an `mdat`, and the sizes of all samples are those of all of them. */
export function checkFile(bytes: Uint8Array, moov: 'first' | 'last'): void {
  const boxes = listBoxes(bytes);
  const view = viewOf(bytes);
  const types = boxes.map(({ type }) => type);
  const mdats = boxes.filter(({ type }) => type === 'mdat');
  ensure(types[0] === 'ftyp' && types.includes('moov') && mdats.length > 0, 'a file lacks boxes');
  ensure(types.indexOf('moov') < types.indexOf('mdat') === (moov === 'first'), 'moov is in the wrong place');
  let media = 0;
  for (const { type, body } of boxes) {
    if (type === 'stsz') {
      const fixed = view.getUint32(body + 4);
      const count = view.getUint32(body + 8);
      for (let i = 0; i < count; i++) media += fixed === 0 ? view.getUint32(body + 12 + i * 4) : fixed;
    } else if (type === 'stco') {
      for (let i = 0; i < view.getUint32(body + 4); i++) {
        const at = view.getUint32(body + 8 + i * 4);
        ensure(
          mdats.some((mdat) => at >= mdat.body && at <= mdat.end),
          'a chunk lies outside of the media',
        );
      }
    } else if (type === 'stts') {
      for (let i = 0; i < view.getUint32(body + 4); i++)
        ensure(
          view.getUint32(body + 12 + i * 8) > 0 || i === view.getUint32(body + 4) - 1,
          'two samples are decoded at one time',
        );
    }
  }
  const size = mdats.reduce((sum, mdat) => sum + mdat.end - mdat.body, 0);
  ensure(media === size, 'samples and media are not of one size');
}
