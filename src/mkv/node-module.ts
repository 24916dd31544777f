/** A module of Node, where the runtime has it; no bundler sees an import of it. */
export function nodeModule(name: string): unknown {
  const { process } = globalThis as { readonly process?: unknown };
  if (typeof process !== 'object' || process === null) return undefined;
  const get: unknown = Reflect.get(process, 'getBuiltinModule');
  return typeof get === 'function' ? get.call(process, name) : undefined;
}
