import { concatBytes, writeElement, writeMaster } from '../ebml/writer.js';
import { Mkv } from '../mkv/elements.js';
import { StreamingMkvReader } from '../mkv/reader.js';
import { writeCrcElement } from './crc-element.js';
import type { SplitFragment } from './fragment-splitter.js';

/** A fragment that begins so many milliseconds later. */
export function retimeFragment(fragment: SplitFragment, milliseconds: number): SplitFragment {
  if (fragment.media.length === 0) return fragment;
  const ticks = Math.round((milliseconds * 1_000_000) / fragment.timestampScale);
  return { ...fragment, timestamp: fragment.timestamp + milliseconds, media: retimeCluster(fragment.media, ticks) };
}

/**
 * A Cluster that begins later: the same with another Timestamp and, where it has a CRC-32, with the right one.
 *
 * @param cluster a whole Cluster element
 * @param ticks how much later, in units of its document's TimestampScale
 */
export function retimeCluster(cluster: Uint8Array, ticks: number): Uint8Array {
  const reader = new StreamingMkvReader();
  reader.push(cluster);
  reader.end();
  const children: Uint8Array[] = [];
  let hasCrc = false;
  let unknownSize = false;
  for (let element = reader.nextIfAvailable(); element !== undefined; element = reader.nextIfAvailable()) {
    if (element.kind === 'end') continue;
    if (element.kind === 'start') {
      if (element.is(Mkv.Cluster)) unknownSize = element.dataSize === undefined;
      else children.push(element.rawHeader);
    } else if (element.path.length === 1 && element.is(Mkv['CRC-32'])) hasCrc = true;
    else if (element.is(Mkv.Timestamp)) children.push(writeElement(Mkv.Timestamp, element.value + ticks));
    else children.push(element.rawHeader, element.data);
  }
  const content = concatBytes(children);
  if (!hasCrc) return writeMaster(Mkv.Cluster, [content], { unknownSize });
  return writeMaster(Mkv.Cluster, [writeCrcElement(content), content], { unknownSize });
}
