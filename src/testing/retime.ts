import { concatBytes, writeElement, writeMaster } from '../ebml/writer.js';
import { Mkv } from '../mkv/elements.js';
import { StreamingMkvReader } from '../mkv/reader.js';
import { writeCrcElement } from './crc-element.js';
import type { SplitFragment } from './fragment-splitter.js';

/** A fragment that begins so many milliseconds later. */
export function retimeFragment(fragment: SplitFragment, milliseconds: number): SplitFragment {
  if (fragment.media.length === 0) return fragment;
  const ticks = BigInt(Math.round((milliseconds * 1_000_000) / fragment.timestampScale));
  return { ...fragment, timestamp: fragment.timestamp + milliseconds, media: retimeCluster(fragment.media, ticks) };
}

/**
 * A Cluster that begins later: the same with another Timestamp and, where it has a CRC-32, with the right one.
 *
 * @param cluster a whole Cluster element
 * @param ticks how much later, in units of its document's TimestampScale
 * @throws RangeError when the new Timestamp is beyond the 64 bits that it has
 */
export function retimeCluster(cluster: Uint8Array, ticks: bigint): Uint8Array {
  const reader = new StreamingMkvReader({ elements: [Mkv.Cluster, Mkv['CRC-32'], Mkv.Timestamp] });
  reader.push(cluster);
  const before: Uint8Array[] = [];
  let unknownSize = false;
  let hasCrc = false;
  let at = 0;
  for (let element = reader.nextIfAvailable(); element !== undefined; element = reader.nextIfAvailable()) {
    if (element.kind === 'start') {
      unknownSize = element.dataSize === undefined;
      at = element.headerSize;
    } else if (element.kind === 'data') {
      before.push(cluster.subarray(at, element.offset));
      at = element.offset + element.headerSize + element.dataSize;
      if (element.is(Mkv['CRC-32'])) hasCrc = true;
      if (!element.is(Mkv.Timestamp)) continue;
      before.push(writeElement(Mkv.Timestamp, element.bigintValue + ticks));
      break;
    }
  }
  const content = concatBytes([...before, cluster.subarray(at)]);
  return writeMaster(Mkv.Cluster, hasCrc ? [writeCrcElement(content), content] : [content], { unknownSize });
}
