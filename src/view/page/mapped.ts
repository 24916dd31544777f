/** Numbers made of numbers, one of each. `Float64Array.from` would put all of them into a list first. */
export function mapped(
  values: Uint32Array | readonly number[],
  make: (value: number) => number,
): Float64Array<ArrayBuffer> {
  const made = new Float64Array(values.length);
  for (let i = 0; i < values.length; i++) made[i] = make(values[i]!);
  return made;
}
