let allocated = 0;
let largest = 0;

/**
 * Makes every `new Uint8Array(length)` count from here on; views of other arrays' bytes do not count.
 *
 * @returns what ends the counting
 */
export function watchAllocations(): () => void {
  const Plain = globalThis.Uint8Array;
  globalThis.Uint8Array = new Proxy(Plain, {
    construct(target, args: unknown[], newTarget) {
      const [first] = args;
      const size = typeof first === 'number' ? first : first instanceof Plain ? first.length : 0;
      allocated += size;
      largest = Math.max(largest, size);
      return Reflect.construct(target, args, newTarget);
    },
  });
  return () => {
    globalThis.Uint8Array = Plain;
  };
}

/** Forgets what was allocated. */
export function resetAllocations(): void {
  allocated = 0;
  largest = 0;
}

/** What was allocated since {@link resetAllocations}, in bytes: all together, and the largest array. */
export function allocations(): { readonly all: number; readonly largest: number } {
  return { all: allocated, largest };
}
