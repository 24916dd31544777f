import { nodeModule } from '../mkv/node-module.js';

/** What became of loading a package that may not be installed. */
export type Loaded =
  | { readonly found: true; readonly module: unknown }
  /** `failure`: it is installed, and this is why it does not load; `undefined` where it is not installed, or there are no packages. */
  | { readonly found: false; readonly failure: unknown };

/** What is wrong with a package, for people: that it is to be installed, or why it does not load. */
export function lackOf(name: string, failure: unknown): string {
  if (failure === undefined) return `install ${name}`;
  return `the package ${name} does not load: ${failure instanceof Error ? failure.message : failure}`;
}

/**
 * Loads a package that is an optional peer. In browsers there are none. The name is no constant where `import` sees it, so that bundlers
 * do not look for a package that may not be there.
 */
export async function loadOptional(name: string): Promise<Loaded> {
  if (nodeModule('node:module') === undefined) return { found: false, failure: undefined };
  try {
    const module: unknown = await import(/* @vite-ignore */ /* webpackIgnore: true */ name);
    return { found: true, module };
  } catch (error) {
    const isMissing =
      error instanceof Error &&
      'code' in error &&
      (error.code === 'ERR_MODULE_NOT_FOUND' || error.code === 'MODULE_NOT_FOUND') &&
      error.message.includes(`'${name}'`);
    return { found: false, failure: isMissing ? undefined : error };
  }
}
