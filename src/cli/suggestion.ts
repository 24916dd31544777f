/** ` (did you mean …?)` with the choice that a misspelt word is close to; nothing where there is none. */
export function suggestion(word: string, choices: readonly string[]): string {
  let best: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const choice of choices) {
    const distance = editDistance(word.toLowerCase(), choice.toLowerCase());
    // As commander does for commands and options: a few letters, and not most of the word.
    if (distance > 3 || distance > 0.6 * Math.max(word.length, choice.length) || distance >= least) continue;
    best = choice;
    least = distance;
  }
  return best === undefined ? '' : ` (did you mean ${best}?)`;
}

/** How many letters have to be put in, taken out, changed or swapped with the next. */
function editDistance(a: string, b: string): number {
  // A word of any length comes from the command line.
  if (Math.abs(a.length - b.length) > 3) return Number.POSITIVE_INFINITY;
  const rows = [Array.from({ length: b.length + 1 }, (_, column) => column)];
  for (let row = 1; row <= a.length; row++) {
    const line = [row];
    for (let column = 1; column <= b.length; column++) {
      const isSame = a[row - 1] === b[column - 1];
      const isSwapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      line[column] = Math.min(
        rows[row - 1]![column]! + 1,
        line[column - 1]! + 1,
        rows[row - 1]![column - 1]! + (isSame ? 0 : 1),
        isSwapped ? rows[row - 2]![column - 2]! + 1 : Number.POSITIVE_INFINITY,
      );
    }
    rows.push(line);
  }
  return rows[a.length]![b.length]!;
}
