// The table of docs/runtimes.md, out of what `npm run test:package` has run.
import { readFileSync } from 'node:fs';

/** What has run, as the last complete run has noted it. */
export const RESULTS = 'test/package/results.json';

/** @returns {readonly import('./runtimes-table.d.mts').RuntimeResult[]} */
export function readResults() {
  return JSON.parse(readFileSync(RESULTS, 'utf8'));
}

/** The rows, each as its cells, in the order of the subjects. */
export function tableRows(subjects, results) {
  const found = new Map(results.map((result) => [result.name, result]));
  return subjects.flatMap(({ name, quick }) => {
    const result = found.get(name);
    if (result === undefined) return [];
    return [[quick ? `${name} *` : name, result.version, result.passed.join('; '), result.date]];
  });
}

/** What of a report of Vitest belongs to the subjects: of each, the titles of its tests that have passed. */
export function passedOf(report, subjects) {
  const names = new Set(subjects.map(({ name }) => name));
  const passed = new Map();
  for (const { assertionResults } of report.testResults) {
    for (const { ancestorTitles, title, status } of assertionResults) {
      const name = ancestorTitles[0]?.replace(/^'(.*)'$/, '$1');
      if (status !== 'passed' || !names.has(name)) continue;
      passed.set(name, [...(passed.get(name) ?? []), title]);
    }
  }
  return passed;
}
