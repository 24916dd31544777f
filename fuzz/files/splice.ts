import { Mkv } from '../../src/mkv/elements.js';
import { parseTree, places, type TreeNode, writeTree } from '../ebml-tree.js';
import type { Choices } from '../input.js';
import { changeField } from './fields.js';
import { documentsOf } from './sources.js';

const PARTS = [Mkv.Info, Mkv.Tracks, Mkv.Tags, Mkv.Cluster, Mkv.SeekHead, Mkv.Cues] as const;

type Splice = (one: TreeNode[], other: TreeNode[], c: Choices) => TreeNode[];

/** The Segment of a document. */
function segmentOf(nodes: readonly TreeNode[]): TreeNode[] {
  return nodes.find(({ type }) => type === Mkv.Segment)?.children ?? [];
}

const SPLICES: readonly Splice[] = [
  /** One document behind the other. */
  (one, other) => [...one, ...other],
  /** Alternating documents. */
  (one, other) => {
    const [a, b] = [documentsOf(one), documentsOf(other)];
    return Array.from({ length: Math.min(4, Math.max(a.length, b.length)) }, (_, i) => [
      ...(a[i] ?? []),
      ...(b[i] ?? []),
    ]).flat();
  },
  /** A part of one file in place of the same part of the other. */
  (one, other, c) => {
    const part = c.pick(PARTS);
    const theirs = segmentOf(other).filter(({ type }) => type === part);
    const segment = segmentOf(one);
    const at = segment.findIndex(({ type }) => type === part);
    if (theirs.length > 0) segment.splice(Math.max(0, at), at < 0 ? 0 : 1, ...theirs);
    return one;
  },
  /** The Clusters of one file behind those of the other, or between them. */
  (one, other, c) => {
    const segment = segmentOf(one);
    for (const cluster of segmentOf(other).filter(({ type }) => type === Mkv.Cluster)) {
      segment.splice(c.below(segment.length + 1), 0, cluster);
    }
    return one;
  },
  /** Tracks of both. */
  (one, other) => {
    // One within another comes with that: many within each other would be written again for each of them.
    const entries = places(other).filter(
      ({ node, parent }) => node.type === Mkv.TrackEntry && parent?.type === Mkv.Tracks,
    );
    const tracks = places(one).find(({ node }) => node.type === Mkv.Tracks);
    tracks?.node.children?.push(...entries.map(({ node }) => node));
    return one;
  },
];

/** One whole file made of two: spliced, and with fields of known meaning changed; now and then cut off. */
export function spliceFiles(bytes: Uint8Array, c: Choices, other: Uint8Array): Uint8Array {
  const theirs = parseTree(other);
  let tree = parseTree(bytes);
  if (c.oneIn(2)) tree = c.pick(SPLICES)(tree, theirs, c);
  const others = places(theirs);
  for (let times = c.pick([0, 1, 1, 1, 2, 3, 5]); times > 0; times--) changeField(tree, c, others);
  const written = writeTree(tree);
  return c.oneIn(12) ? written.subarray(0, c.below(written.length + 1)) : written;
}
