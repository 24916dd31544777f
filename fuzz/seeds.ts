import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { concatBytes } from '../src/ebml/writer.js';
import { Mkv } from '../src/mkv/elements.js';
import { arbitraryDocuments } from '../test/support/ebml-generator.js';
import { arbitraryKvsStream } from '../test/support/kvs-generator.js';
import { smallDocument } from '../test/support/small-document.js';
import { parseTree, type TreeNode, writeTree } from './ebml-tree.js';
import { hostileSeeds } from './forgery.js';

const RECORDING = 'examples/recording/camera.mkv';

/** The same fragments with the first Blocks of each Cluster only, and those cut, so that one input is small. */
function thin(nodes: readonly TreeNode[], blocks: number, blockSize: number): TreeNode[] {
  return nodes.map((node) => {
    if (node.type === Mkv.SimpleBlock) return { ...node, data: node.data.slice(0, blockSize) };
    if (node.children === undefined) return node;
    let left = blocks;
    const kept = node.children.filter(({ type }) =>
      type === Mkv.SimpleBlock || type === Mkv.BlockGroup ? left-- > 0 : true,
    );
    return { ...node, children: thin(kept, blocks, blockSize) };
  });
}

let recording: TreeNode[] | undefined;

/** The first fragments of the recording that is part of the project, with a few frames each, whole or cut. */
export function recordedFragments(blocks = 4, blockSize = 30): Uint8Array[] {
  if (recording === undefined) {
    if (!existsSync(RECORDING)) throw new Error(`run this from the project's folder: there is no ${RECORDING}`);
    recording = parseTree(Uint8Array.from(readFileSync(RECORDING)));
  }
  const tree = recording;
  const starts = tree.flatMap(({ type }, at) => (type === Mkv.EBML ? [at] : []));
  const documents = starts.map((start, i) => tree.slice(start, starts[i + 1]));
  return documents.slice(0, 3).map((document) => writeTree(thin(document, blocks, blockSize)));
}

/** Streams to begin with: of the recording, of the tests' generators, and small ones. */
export function streamSeeds(): Uint8Array[] {
  const fragments = recordedFragments();
  const documents = fc.sample(arbitraryDocuments(), { seed: 7, numRuns: 30 }).map(({ bytes }) => bytes);
  const streams = fc
    .sample(arbitraryKvsStream({ largestFrame: 60, maxFragments: 3 }), { seed: 7, numRuns: 30 })
    .map(({ bytes }) => bytes);
  return [
    ...[documents, streams].flat().filter(({ length }) => length > 0 && length < 3000),
    smallDocument(),
    smallDocument({ clusters: 1, blocks: 1 }),
    // Long enough to stay in the chunks they come in.
    smallDocument({ clusters: 1, blocks: 2, frameSize: 4500 }),
    ...fragments,
    concatBytes(fragments.slice(0, 2)),
    ...hostileSeeds(),
  ].map((bytes) => Uint8Array.from(bytes));
}
