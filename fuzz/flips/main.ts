import { type ConsumerKind, consumedStream, findConsumerSilences } from './consumers.js';
import { findSilences, flippedStream, type Place, placesIn } from './flips.js';

/** Every bit of three fragments that is no payload is wrong once, and what nobody is told of is printed by its kind, with counts. */
async function readAll(): Promise<void> {
  for (const unknownSize of [false, true]) {
    const stream = flippedStream(unknownSize);
    const places = placesIn(stream);
    const silences = await findSilences(stream, places);
    const counts = ['elements', 'fragments', 'frames'].map(
      (what) => `${silences.filter((each) => each.what === what).length} in ${what}`,
    );
    console.log(
      `Clusters of ${sizeName(unknownSize)} size: ${places.length} bits, each in three modes; silent: ${counts.join(', ')}`,
    );
    printKinds(silences.map((silence) => `${silence.mode}: ${kindOf(silence)}, ${silence.what}`));
  }
}

/** The same through the consumers: what comes wrong once is to be read again. */
async function consumeAll(): Promise<void> {
  const kinds: readonly ConsumerKind[] = ['GetMediaConsumer', 'FragmentListConsumer'];
  for (const unknownSize of [false, true]) {
    const stream = consumedStream({ unknownSizeCluster: unknownSize });
    for (const kind of kinds) {
      for (const place of [0, 2]) {
        const bits = placesIn(stream[place]?.bytes ?? new Uint8Array());
        const silences = await findConsumerSilences(kind, stream, place, bits);
        console.log(
          `${kind}, Clusters of ${sizeName(unknownSize)} size, fragment ${place + 1}: ${bits.length} bits; silent: ${silences.length}`,
        );
        printKinds(silences.map(kindOf));
      }
    }
  }
}

function sizeName(unknownSize: boolean): string {
  return unknownSize ? 'unknown' : 'known';
}

function kindOf({ element, part }: Pick<Place, 'element' | 'part'>): string {
  return `${part} of ${element}`;
}

function printKinds(all: readonly string[]): void {
  const kinds = new Map<string, number>();
  for (const kind of all) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  for (const [kind, count] of [...kinds].sort(([, a], [, b]) => b - a)) console.log(`  ${count} ${kind}`);
}

const { argv } = process;
if (!argv.includes('--consumers')) await readAll();
await consumeAll();
