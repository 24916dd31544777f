/** What has run with a runtime, a bundler or a compiler. */
export interface RuntimeResult {
  /** As `test/package/subjects.ts` calls it. */
  readonly name: string;
  readonly version: string;
  /** The titles of its tests. */
  readonly passed: readonly string[];
  /** ISO 8601. */
  readonly date: string;
}

interface Named {
  readonly name: string;
  readonly quick?: true;
}

export const RESULTS: string;
export function readResults(): readonly RuntimeResult[];
export function tableRows(subjects: readonly Named[], results: readonly RuntimeResult[]): string[][];
export function passedOf(report: unknown, subjects: readonly Named[]): Map<string, string[]>;
