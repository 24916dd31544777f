import { findSilences, flippedStream, placesIn, type Silence } from './flips.js';

/** Every bit of three fragments that is no payload is wrong once, and what nobody is told of is printed by its kind, with counts. */
async function main(): Promise<void> {
  for (const unknownSize of [false, true]) {
    const stream = flippedStream(unknownSize);
    const places = placesIn(stream);
    const silences = await findSilences(stream, places);
    const counts = ['elements', 'fragments', 'frames'].map(
      (what) => `${silences.filter((each) => each.what === what).length} in ${what}`,
    );
    const size = unknownSize ? 'unknown' : 'known';
    console.log(`Clusters of ${size} size: ${places.length} bits, each in three modes; silent: ${counts.join(', ')}`);
    const kinds = new Map<string, number>();
    for (const silence of silences) kinds.set(kindOf(silence), (kinds.get(kindOf(silence)) ?? 0) + 1);
    for (const [kind, count] of [...kinds].sort(([, a], [, b]) => b - a)) console.log(`  ${count} ${kind}`);
  }
}

function kindOf({ mode, element, part, what }: Silence): string {
  return `${mode}: ${part} of ${element}, ${what}`;
}

await main();
