import type { EbmlElementType } from '../ebml/element-type.js';

/** Where an element stands, in words: the masters that hold it and its own name, for messages. */
export function elementPath(element: {
  readonly path: readonly { readonly type: EbmlElementType }[];
  readonly type: EbmlElementType;
}): string {
  return [...element.path, element].map(({ type }) => type.name ?? `0x${type.id.toString(16)}`).join('/');
}
