/** So many characters of what a stream calls something are shown: numbers, names, codes. All of it is in the tree of elements. */
export const MOST_NAME_TEXT = 256;

/** A name of the stream's, cut: what means harm may have millions of characters, and would be copied with every record. */
export function shortened(text: string): string;
export function shortened(text: string | undefined): string | undefined;
export function shortened(text: string | undefined): string | undefined {
  return text !== undefined && text.length > MOST_NAME_TEXT ? `${text.slice(0, MOST_NAME_TEXT)}…` : text;
}
