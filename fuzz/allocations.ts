let allocated = 0;

/** Makes every `new Uint8Array(length)` count from here on; views of other arrays' bytes do not count. */
export function watchAllocations(): void {
  const Plain = globalThis.Uint8Array;
  globalThis.Uint8Array = new Proxy(Plain, {
    construct(target, args: unknown[], newTarget) {
      const [first] = args;
      if (typeof first === 'number') allocated += first;
      else if (first instanceof Plain) allocated += first.length;
      return Reflect.construct(target, args, newTarget);
    },
  });
}

/** The bytes allocated so far. */
export function allocatedBytes(): number {
  return allocated;
}
