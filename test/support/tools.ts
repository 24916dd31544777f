import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { describe, test } from 'vitest';

/** The programs that tests compare with, by the names that they may have. */
const PROGRAMS = {
  ffmpeg: ['ffmpeg'],
  ffprobe: ['ffprobe'],
  mkvmerge: ['mkvmerge'],
  mkvinfo: ['mkvinfo'],
  'gst-launch-1.0': ['gst-launch-1.0'],
  script: ['script'],
  zsh: ['zsh'],
  fish: ['fish'],
  'redis-server': ['redis-server'],
  chromium: ['chromium', 'chromium-browser', 'google-chrome'],
} as const;

export type Tool = keyof typeof PROGRAMS;

/** Something from outside that a suite cannot run without. */
export interface Need {
  /** What is missing, as a sentence; `undefined` when all is there. */
  readonly missing: string | undefined;
}

/** Where a tool is; `undefined` when it is not on PATH. */
export function findTool(tool: Tool): string | undefined {
  const { PATH = '' } = process.env;
  for (const folder of PATH.split(delimiter)) {
    for (const name of PROGRAMS[tool]) {
      const path = join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // Not here.
      }
    }
  }
  return undefined;
}

/** The need for tools on PATH. */
export function tools(...wanted: Tool[]): Need {
  const missing = wanted.filter((tool) => findTool(tool) === undefined);
  return { missing: missing.length === 0 ? undefined : `${missing.join(' and ')} not found on PATH` };
}

/** The need for packages that `npm ci` does not install: they are built for each platform, and no lock file can hold all of those builds. */
export function packages(...wanted: string[]): Need {
  const { resolve } = createRequire(import.meta.url);
  const missing = wanted.filter((name) => {
    try {
      resolve(name);
      return false;
    } catch {
      return true;
    }
  });
  return { missing: missing.length === 0 ? undefined : `${missing.join(' and ')} not installed` };
}

/**
 * A suite that needs something from outside. Where that is missing, the suite is skipped with a line that says so; in CI it fails.
 *
 * @param define is called only when nothing is missing, so that it may use what the suite needs
 */
export function describeNeeding(name: string, needs: readonly Need[], define: () => void): void {
  const { CI } = process.env;
  const missing = needs.flatMap((need) => need.missing ?? []).join('; ');
  if (missing === '') {
    describe(name, define);
  } else if (CI === 'true') {
    test(name, () => {
      throw new Error(`${missing}, and CI needs it`);
    });
  } else {
    console.warn(`skipped: ${name}: ${missing}`);
    test.skip(`${name} (${missing})`);
  }
}

/**
 * What a tool prints on standard output.
 *
 * @throws Error with what it said on standard error when it fails
 * @param options.okay exit codes that are no failure, 0 by default
 */
export function runTool(
  tool: Tool,
  args: readonly string[],
  options: { readonly okay?: readonly number[]; readonly input?: Uint8Array } = {},
): string {
  const path = findTool(tool);
  if (path === undefined) throw new Error(`${tool} is not on PATH`);
  const { okay = [0], input } = options;
  try {
    return execFileSync(path, args, {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      env: { ...process.env, LC_ALL: 'C.UTF-8' },
      ...(input === undefined ? {} : { input }),
    });
  } catch (error) {
    if (isExit(error) && okay.includes(error.status)) return error.stdout;
    throw error;
  }
}

function isExit(error: unknown): error is { status: number; stdout: string } {
  return error instanceof Error && 'status' in error && 'stdout' in error;
}
