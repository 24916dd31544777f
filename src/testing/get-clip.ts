import { concatBytes } from '../ebml/writer.js';
import { Mp4RemuxError } from '../mp4/remux-error.js';
import { readSelection, requireRetention, selected } from './fragment-selection.js';
import { type JsonInput, named } from './json-input.js';
import type { StoredFragment } from './local-stream.js';
import { requirePlayable } from './playable-tracks.js';
import type { Service } from './service.js';
import { ServiceError } from './service-error.js';
import { documentOf } from './stored-document.js';

const MOST_FRAGMENTS = 200;
const MOST_BYTES = 100_000_000;

/** GetClip: one MP4 of the first fragments of a range. */
export async function makeClip(service: Service, input: JsonInput): Promise<Uint8Array> {
  const selection = readSelection(input['ClipFragmentSelector'], 'ClipFragmentSelector', 'range');
  const stream = named(service, input);
  requireRetention(stream);
  const fragments = clipped(selected(stream, selection), selection.type === 'PRODUCER_TIMESTAMP');
  const [first] = fragments;
  if (first === undefined) throw new ServiceError('ResourceNotFoundException', 'There are no fragments in the range.');
  service.limits.clipped(stream.name, Math.min(fragments.length, MOST_FRAGMENTS));
  await requirePlayable(documentOf(first), 'GetClip');
  const parts: Uint8Array[] = [];
  // What makes MP4 is large, and most tests have no use for it.
  const { remuxToMp4 } = await import('../mp4/remux-to-mp4.js');
  try {
    await remuxToMp4(documents(fragments), (bytes) => void parts.push(bytes), {
      limits: { bytes: MOST_BYTES, fragments: MOST_FRAGMENTS },
    });
  } catch (error) {
    if (!(error instanceof Mp4RemuxError) || error.code === 'NoFrames') throw error;
    throw new ServiceError(`${error.code}Exception`, error.message);
  }
  return concatBytes(parts);
}

/** In the order of time; of several with one producer time, that which was ingested first. */
function clipped(fragments: readonly StoredFragment[], byProducer: boolean): readonly StoredFragment[] {
  if (!byProducer) return fragments;
  const first = new Map<number, StoredFragment>();
  for (const fragment of fragments) {
    if (!first.has(fragment.producerTimestamp)) first.set(fragment.producerTimestamp, fragment);
  }
  return [...first.values()].sort((a, b) => a.producerTimestamp - b.producerTimestamp);
}

function* documents(fragments: readonly StoredFragment[]): Generator<Uint8Array, void> {
  for (const fragment of fragments) yield documentOf(fragment);
}
