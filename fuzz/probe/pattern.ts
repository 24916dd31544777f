/** Input that can be made as long as is wanted. */
export interface Pattern {
  readonly name: string;
  /** Bytes whose number grows with `n` and by the same for each. */
  make(n: number): Uint8Array;
}

export function pattern(name: string, make: (n: number) => Uint8Array): Pattern {
  return { name, make };
}
