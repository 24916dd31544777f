import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { Mkv, type MkvElement, type MkvGap } from '../../src/index.js';
import { CAPTURES, type CaptureFacts, captureBytes, captureFacts, capturePath } from '../support/captures.js';
import { chunksOf, randomChunks, readChunks } from '../support/read-all.js';
import { describeNeeding } from '../support/tools.js';

describeNeeding('the captures', [CAPTURES], () => {
  const facts = captureFacts();

  describe.each(facts)('$file', ({ file, bytes: length, sha256, counts, fragments, allFramesSha256 }) => {
    const bytes = captureBytes(file);

    test('is the file that the facts are about', () => {
      expect(bytes.length).toBe(length);
      expect(digest([bytes])).toBe(sha256);
    });

    test.each([
      ['in 64 KiB chunks', () => chunksOf(bytes, 65536)],
      ['in 1-byte chunks', () => chunksOf(bytes, 1)],
      ['in chunks of 0 to 3000 bytes', () => randomChunks(bytes, 3000, 1)],
      ['in chunks of 0 to 40 bytes', () => randomChunks(bytes, 40, 2)],
    ])('has the elements that an independent reader found, %s', (_, chunks) => {
      const summary = new Summary();
      for (const element of readChunks(chunks(), { strict: true, verifyCrc: !file.includes('merged') })) {
        summary.add(element);
      }
      expect(Object.fromEntries(summary.counts)).toEqual(counts);
      expect(summary.misplaced).toEqual([]);
      expect(summary.raw.digest('hex')).toBe(sha256);
      expect(summary.position).toBe(length);
      expect(summary.segments).toEqual(fragments.map(({ frames, frameBytes }) => ({ frames, frameBytes })));
      expect(summary.frames.digest('hex')).toBe(allFramesSha256);
    });
  });

  describe.each(facts)('kvs inspect --json on $file', (capture) => {
    test('the file', () => {
      const lines = inspect([capturePath(capture.file)]);
      expectLines(lines, capture);
    });

    test('standard input', () => {
      const lines = inspect(['-'], readFileSync(capturePath(capture.file)));
      expectLines(lines, capture);
    });
  });

  test('two Clusters of the merged capture no longer fit their CRC-32', () => {
    const gaps: MkvGap[] = [];
    const options = { verifyCrc: true, recover: true, onGap: (gap: MkvGap) => gaps.push(gap) };
    const clusters: MkvElement[] = [];
    for (const element of readChunks([captureBytes('output_get_media_sparse_fragments_merged.mkv')], options)) {
      if (element.kind === 'start' && element.is(Mkv.Cluster)) clusters.push(element);
    }
    expect(clusters.length).toBe(3);
    expect(gaps.length).toBe(2);
    for (const gap of gaps) {
      const cluster = clusters.find(({ offset }) => offset <= gap.offset && gap.offset < offset + 20);
      expect(cluster, `a Cluster at the gap at ${gap.offset}`).toBeDefined();
    }
  });

  test('kvs inspect --json finds what output_get_media.mkv is known to have', () => {
    const lines = inspect([capturePath('output_get_media.mkv')]);
    const count = (name: string) => lines.filter((line) => line.name === name && line.kind !== 'end').length;
    expect(['EBML', 'SimpleBlock', 'Cluster', 'Tags'].map(count)).toEqual([5, 300, 5, 15]);
  });
});

/** What is known of elements without keeping them. */
class Summary {
  readonly counts = new Map<string, number>();
  /** Elements that do not begin where the one before ended, or masters that do not end where they should. */
  readonly misplaced: string[] = [];
  /** Over rawHeader and data of all elements. */
  readonly raw = createHash('sha256');
  /** Over the frames. */
  readonly frames = createHash('sha256');
  readonly segments: { frames: number; frameBytes: number }[] = [];
  position = 0;

  add(element: MkvElement): void {
    const { name = 'unknown' } = element.type;
    if (element.offset !== this.position) this.misplaced.push(`${element.kind} of ${name} at ${element.offset}`);
    if (element.kind === 'end') {
      const { offset, headerSize, dataSize } = element.start;
      const end = dataSize === undefined ? this.position : offset + headerSize + dataSize;
      if (end !== this.position || element.truncated) this.misplaced.push(`${name} ends at ${this.position}`);
      return;
    }
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
    if (element.is(Mkv.Segment)) this.segments.push({ frames: 0, frameBytes: 0 });
    this.raw.update(element.rawHeader);
    this.position += element.headerSize;
    if (element.kind !== 'data') return;
    this.raw.update(element.data);
    this.position += element.dataSize;
    const segment = this.segments.at(-1);
    if (segment === undefined || !(element.is(Mkv.SimpleBlock) || element.is(Mkv.Block))) return;
    for (const frame of element.value.frames) {
      this.frames.update(frame);
      segment.frames++;
      segment.frameBytes += frame.length;
    }
  }
}

/** A line of `kvs inspect --json`. */
interface InspectLine {
  readonly kind: 'start' | 'end' | 'data';
  readonly id: string;
  readonly name: string | null;
  readonly level: number;
  readonly offset: number;
  readonly headerSize: number;
  readonly dataSize: number | null;
}

const KVS = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** Runs the built command line. */
function inspect(words: readonly string[], input?: Uint8Array): InspectLine[] {
  const run = spawnSync(process.execPath, [KVS, 'inspect', ...words, '--json'], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    ...(input === undefined ? {} : { input }),
  });
  expect(run.stderr).toBe('');
  expect(run.status).toBe(0);
  return run.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

function expectLines(lines: readonly InspectLine[], { counts, bytes }: CaptureFacts): void {
  const seen: Record<string, number> = {};
  let position = 0;
  let level = 0;
  for (const line of lines) {
    if (line.kind === 'end') level--;
    expect(line).toMatchObject({ offset: position, level });
    if (line.kind === 'start') level++;
    else position += line.dataSize ?? 0;
    position += line.headerSize;
    if (line.kind !== 'end') seen[line.name ?? line.id] = (seen[line.name ?? line.id] ?? 0) + 1;
  }
  expect(seen).toEqual(counts);
  expect(position).toBe(bytes);
  expect(level).toBe(0);
}

function digest(parts: Iterable<Uint8Array>): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}
