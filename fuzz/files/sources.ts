import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Mkv } from '../../src/mkv/elements.js';
import { parseTree, type TreeNode, writeTree } from '../ebml-tree.js';

/** Folders of whole files: what the project has, and the captures where they are. */
const FOLDERS = ['examples/recording', 'test/cases', '../shared/captures'];

/** The most bytes of frames that are kept of a Cluster, so that an input stays small. */
const CLUSTER_BYTES = 12_000;

/** Whole documents of real files: the first and one from the middle of each, with the first Blocks of each Cluster, uncut. */
export function wholeDocuments(): Uint8Array[] {
  const documents: Uint8Array[] = [];
  for (const folder of FOLDERS.filter((each) => existsSync(each))) {
    for (const file of readdirSync(folder).sort()) {
      if (!/\.(mkv|webm)$/.test(file)) continue;
      const found = documentsOf(parseTree(Uint8Array.from(readFileSync(join(folder, file)))));
      for (const at of new Set([0, found.length >> 1])) documents.push(writeTree(thin(found[at] ?? [])));
    }
  }
  if (documents.length === 0) throw new Error('run this from the project: there is no recording');
  return documents;
}

/** The documents of a stream: each begins with an EBML header. */
export function documentsOf(nodes: readonly TreeNode[]): TreeNode[][] {
  const starts = nodes.flatMap(({ type }, at) => (type === Mkv.EBML ? [at] : []));
  return starts.map((start, i) => nodes.slice(start, starts[i + 1]));
}

/** A few Clusters, each with its first Blocks. */
function thin(nodes: readonly TreeNode[], clusters = { left: 3 }): TreeNode[] {
  const kept: TreeNode[] = [];
  for (const node of nodes) {
    if (node.type === Mkv.Cluster && clusters.left-- <= 0) continue;
    if (node.children === undefined) kept.push(node);
    else if (node.type === Mkv.Cluster) kept.push({ ...node, children: firstBlocks(node.children) });
    else kept.push({ ...node, children: thin(node.children, clusters) });
  }
  return kept;
}

function firstBlocks(nodes: readonly TreeNode[]): TreeNode[] {
  let left = CLUSTER_BYTES;
  return nodes.filter((node) => {
    if (node.type !== Mkv.SimpleBlock && node.type !== Mkv.BlockGroup) return true;
    left -= writeTree([node]).length;
    return left > 0;
  });
}
