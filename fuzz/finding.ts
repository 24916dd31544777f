/** An invariant that does not hold for an input. */
export class Finding extends Error {
  override name = 'Finding';
}

/** Throws a {@link Finding} unless the condition holds. */
export function ensure(condition: boolean, text: string | (() => string)): asserts condition {
  if (!condition) throw new Finding(typeof text === 'string' ? text : text());
}

/** Throws a {@link Finding} with the first place at which two lists differ. */
export function ensureSame(one: readonly string[], other: readonly string[], text: string): void {
  const length = Math.max(one.length, other.length);
  for (let i = 0; i < length; i++) {
    if (one[i] !== other[i]) throw new Finding(`${text}: at ${i} of ${length}: <${one[i]}> and <${other[i]}>`);
  }
}

/** A message without what differs from input to input: numbers, texts in quotes, the path of an element. */
export function kindOf(message: string): string {
  return message.replace(/\(at .*|".*"|\d[\da-f]*/g, '');
}

/** What tells two findings apart: the message without its numbers, and where it was thrown when nobody meant to throw it. */
export function findingKey(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const text = `${error.name}: ${error.message}`.replace(/<[^>]*>/g, '').replace(/\d+/g, 'N');
  const at = error instanceof Finding ? '' : (error.stack?.split('\n').find((line) => line.includes(' at ')) ?? '');
  return `${text.slice(0, 200)}${at.replace(/\(.*?([^/]*)\)$/, '$1')}`;
}
