import { concatBytes } from '../../src/ebml/writer.js';
import { Mkv, type MkvMasterType, writeElement, writeHeader } from '../../src/index.js';
import { writeServiceTags, writeTrailingTags } from '../../src/testing/get-media-writer.js';
import { readChunks } from '../support/read-all.js';

/** How a file becomes a stream. */
export interface FromFileOptions {
  /** Added to every Cluster's Timestamp, in ticks: producers may write the time since 1970. The file has no CRC-32 then. */
  readonly shift?: bigint;
  /** Take each nth Cluster only. */
  readonly every?: number;
  /** Number of the first fragment. */
  readonly first?: number;
}

/** What a Matroska file's producer would have sent through GetMedia: a document for each Cluster, with the file's header. */
export function getMediaFromFile(file: Uint8Array, options: FromFileOptions = {}): Uint8Array {
  const { shift = 0n, every = 1, first = 0 } = options;
  let ebml = new Uint8Array(0);
  const header: Uint8Array[] = [];
  const clusters: Uint8Array[] = [];
  const after: Uint8Array[] = [];
  for (const element of readChunks([file])) {
    if (element.kind !== 'end') continue;
    const { start } = element;
    const whole = file.slice(start.offset, element.offset);
    if (element.type === Mkv.EBML) ebml = whole;
    if (start.parent?.type !== Mkv.Segment) continue;
    if (element.type === Mkv.Cluster) clusters.push(shift === 0n ? whole : shiftCluster(whole, shift));
    else (clusters.length === 0 ? header : after).push(whole);
  }
  const kept = clusters.filter((_, index) => index % every === 0);
  return concatBytes(
    kept.map((cluster, index) => {
      const number = String(91343852333181432392682062607743920146159169392n + BigInt(first + index));
      const moment = 1_511_852_109_126 + (first + index) * 2000;
      return concatBytes([
        ebml,
        writeHeader(Mkv.Segment, undefined, { sizeLength: 8 }),
        ...header,
        writeServiceTags({ fragmentNumber: number, serverTimestamp: moment, producerTimestamp: moment - 600 }),
        cluster,
        ...(index === kept.length - 1 ? after : []),
        writeTrailingTags({ millisBehindNow: 0, continuationToken: number }),
      ]);
    }),
  );
}

/** The Cluster with another Timestamp and no CRC-32, of a known size. */
function shiftCluster(cluster: Uint8Array, shift: bigint): Uint8Array {
  const document = concatBytes([writeHeader(Mkv.Segment, undefined), cluster]);
  const children: Uint8Array[] = [];
  for (const element of readChunks([document])) {
    if (element.kind === 'data' && element.parent?.type === Mkv.Cluster) {
      if (element.is(Mkv.Timestamp)) children.push(writeElement(Mkv.Timestamp, element.bigintValue + shift));
      else if (!element.is(Mkv['CRC-32'])) children.push(element.rawHeader, element.data);
    } else if (element.kind === 'end' && element.parent?.type === Mkv.Cluster) {
      children.push(document.slice(element.start.offset, element.offset));
    }
  }
  return master(Mkv.Cluster, children);
}

function master(type: MkvMasterType, children: readonly Uint8Array[]): Uint8Array {
  const content = concatBytes(children);
  return concatBytes([writeHeader(type, content.length), content]);
}
