import { MKV_SCHEMA, Mkv } from '../../src/mkv/elements.js';
import { ensure, kindOf } from '../finding.js';
import { damageCluster, ensureNothingForged } from '../forgery.js';
import { Choices } from '../input.js';
import { noise } from '../mutate-bytes.js';
import { accountedBytes, type Reading, readAll } from '../reading.js';
import { streamSeeds } from '../seeds.js';
import type { FuzzTarget } from '../target.js';

/** A Cluster as a reading gave it. */
interface Cluster {
  readonly start: number;
  readonly end: number;
  /** Its elements, with offsets from its beginning. */
  readonly content: string;
  /** Nothing but what follows tells where it ends, so damage there may lengthen it. */
  readonly unknownSize: boolean;
}

const CLUSTER = Mkv.Cluster.id.toString(16);

/**
 * `recover` on streams that are well-formed but for one place: every Cluster that was not touched is given, whole, and nothing that stands in a
 * Cluster as more than that.
 */
export const recovery: FuzzTarget = {
  name: 'recovery',
  ebml: true,
  seeds: streamSeeds,
  run({ choice, bytes }, features) {
    const c = new Choices(choice);
    const whole = readAll([bytes], bytes, { recover: true });
    // Only streams that need no recovery can tell what damage may cost.
    if (whole.gaps.length > 0 || whole.truncated || whole.warnings.length > 0) return;
    if (c.oneIn(2)) {
      const damage = damageCluster(whole, bytes, c);
      if (damage === undefined) return;
      const reading = readAll(c.chunks(damage.bytes), damage.bytes, { recover: true });
      features.add(`forged ${reading.gaps.length} ${reading.truncated}`);
      ensureNothingForged(whole, reading, damage);
      return;
    }
    const start = c.below(bytes.length + 1);
    const end = Math.min(bytes.length, start + c.pick([0, 0, 1, 2, 10, 300]));
    const inserted = noise(c, c.below(c.pick([1, 2, 3, 30, 300])));
    const damaged = new Uint8Array(start + inserted.length + bytes.length - end);
    damaged.set(bytes.subarray(0, start));
    damaged.set(inserted, start);
    damaged.set(bytes.subarray(end), start + inserted.length);
    const reading = readAll(c.chunks(damaged), damaged, { recover: true });
    ensure(accountedBytes(reading) === damaged.length, 'elements and gaps have not all bytes');
    features.add(`${reading.gaps.length} ${reading.truncated}`);
    for (const { reason } of reading.gaps) features.add(kindOf(reason));

    const found = new Map(clustersOf(reading).map(({ start: at, content }) => [at, content]));
    for (const cluster of clustersOf(whole)) {
      const before = cluster.end <= start;
      const after = cluster.start >= end;
      if ((!before && !after) || !looksRight(cluster)) continue;
      const at = cluster.start + (after && !before ? inserted.length - (end - start) : 0);
      const content = found.get(at) ?? '';
      const given = cluster.unknownSize ? content.startsWith(cluster.content) : content === cluster.content;
      ensure(found.has(at) && given, () => `damage costs a Cluster that it did not touch <${at}>`);
    }
  },
};

/** What a Cluster may begin with to be told from other bytes: one of its own elements, a Void or a CRC-32. */
const FIRST_IDS = [...MKV_SCHEMA.values()]
  .filter(({ parent, global }) => parent === Mkv.Cluster || global)
  .map(({ id }) => id.toString(16));

function looksRight({ content }: Cluster): boolean {
  const [, id = ''] = content.split(' ');
  return FIRST_IDS.includes(id);
}

function clustersOf({ elements }: Reading): Cluster[] {
  const clusters: Cluster[] = [];
  let open: { start: number; end: number; lines: string[]; unknownSize: boolean } | undefined;
  for (const line of elements) {
    const [, kind = '', id = '', offset = '', header = '', size = '', sum = ''] =
      /^(\w+) (\w+) in .* at (\d+)\/(\d+)\/(\w+) ?(.*)$/.exec(line) ?? [];
    const at = Number(offset);
    if (id === CLUSTER && kind === 'start') {
      open = { start: at, end: at + Number(header), lines: [], unknownSize: size === 'undefined' };
    } else if (id === CLUSTER && open !== undefined) {
      clusters.push({ start: open.start, end: open.end, content: open.lines.join(' '), unknownSize: open.unknownSize });
      open = undefined;
    } else if (open !== undefined && kind !== 'end') {
      open.end = at + Number(header) + (kind === 'data' ? Number(size) : 0);
      open.lines.push(`${kind} ${id} ${at - open.start} ${sum}`);
    }
  }
  return clusters;
}
