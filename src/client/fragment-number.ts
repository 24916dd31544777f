import { compareFragmentNumbers } from '../visitors/fragment-metadata.js';

/** The service's fragment numbers have up to 128 digits. */
const FRAGMENT_NUMBER = /^\d{1,128}$/;

/** Whether it can be a fragment's number: nothing else is ever sent back to the service or kept in a checkpoint. */
export function isFragmentNumber(text: string | undefined): text is string {
  return text !== undefined && FRAGMENT_NUMBER.test(text);
}

/** Whether the first number is the larger one. */
export function isAfter(a: string, b: string): boolean {
  return compareFragmentNumbers(a, b) > 0;
}

/** Two numbers with the same value have the same key. */
export function keyOf(number: string): string {
  return number.replace(/^0+(?=\d)/, '');
}
