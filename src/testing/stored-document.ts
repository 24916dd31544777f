import { concatBytes } from '../ebml/writer.js';
import { Mkv } from '../mkv/elements.js';
import { StreamingMkvReader } from '../mkv/reader.js';
import { writeServiceTags } from './get-media-writer.js';
import type { StoredFragment } from './local-stream.js';

/** A stored fragment as a document, with the service's tags. */
export function documentOf(fragment: StoredFragment): Uint8Array {
  return concatBytes([fragment.head, writeServiceTags(fragment), fragment.media, fragment.tail]);
}

/** Of heads that have been read: fragments of one producer share theirs. */
const known = new WeakMap<Uint8Array, string>();

/** Tells the configuration of a fragment's tracks from others: what Tracks says, in characters. */
export function configurationOf({ head }: StoredFragment): string {
  let configuration = known.get(head);
  if (configuration === undefined) {
    configuration = readConfiguration(head);
    known.set(head, configuration);
  }
  return configuration;
}

function readConfiguration(head: Uint8Array): string {
  const parts: string[] = [];
  try {
    const reader = new StreamingMkvReader({ elements: [Mkv.TrackNumber, Mkv.CodecID, Mkv.CodecPrivate] });
    reader.push(head);
    for (let element = reader.nextIfAvailable(); element; element = reader.nextIfAvailable()) {
      if (element.kind === 'data') parts.push(Buffer.from(element.data).toString('base64'));
    }
  } catch {
    // What can be read of it tells it from others.
  }
  return parts.join();
}
