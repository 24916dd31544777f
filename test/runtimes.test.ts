import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { passedOf, readResults, tableRows } from '../scripts/runtimes-table.mjs';
import { SUBJECTS } from './package/subjects.js';

const page = readFileSync('docs/runtimes.md', 'utf8');

it('docs/runtimes.md has the table that npm run test:package has written', () => {
  const rows = [...page.matchAll(/^\| (.*) \|$/gm)].map(([, row = '']) => row.split('|').map((cell) => cell.trim()));
  expect(rows[0]).toEqual(['with', 'version', 'what has run', 'when']);
  expect(rows.slice(2)).toEqual(tableRows(SUBJECTS, readResults()));
});

it('all has run that is tried, with a version', () => {
  const results = readResults();
  expect(results.map(({ name }) => name)).toEqual(SUBJECTS.map(({ name }) => name));
  for (const { name, version, passed, date } of results) {
    expect(version, name).toMatch(/^\d+(\.\d+)+/);
    expect(passed.length, name).toBeGreaterThan(0);
    expect(new Date(date).getTime(), name).toBeLessThanOrEqual(Date.now());
  }
  for (const runtime of ['Node 20', 'Node 22', 'Node 24', 'Bun', 'Deno', 'workerd', 'Chromium'])
    expect(results.map(({ name }) => name)).toContain(runtime);
});

it('what has not passed is not in the table', () => {
  const test = (name: string, title: string, status: string) => ({ ancestorTitles: [name], title, status });
  const assertionResults = [
    test("'Bun'", 'reads', 'passed'),
    test("'Bun'", 'writes', 'failed'),
    test("'Deno'", 'reads', 'skipped'),
    test('something else', 'reads', 'passed'),
  ];
  const passed = passedOf({ testResults: [{ assertionResults }] }, SUBJECTS);
  expect([...passed]).toEqual([['Bun', ['reads']]]);
  const results = [{ name: 'Bun', version: '1.0.0', passed: ['reads', 'writes'], date: '2026-01-01' }];
  expect(tableRows(SUBJECTS, results)).toEqual([['Bun', '1.0.0', 'reads; writes', '2026-01-01']]);
});

it('README.md names what has run', () => {
  const ran = new Set(readResults().map(({ name }) => name));
  const passed = SUBJECTS.filter(({ name }) => ran.has(name));
  const runtimes = passed
    .filter(({ kind, name }) => kind === 'runtime' && name !== 'Jest' && name !== 'Node 20.19')
    .map(({ name }) => name);
  const bundlers = passed.filter(({ kind }) => kind === 'bundler');
  const [, named = '', count = ''] =
    /^It runs in (.*), and with (\w+) bundlers;/m.exec(readFileSync('README.md', 'utf8')) ?? [];
  const versions = named.replace('Node 20, 22 and 24', 'Node 20, Node 22, Node 24').split(/, | and /);
  expect(versions).toEqual(runtimes);
  expect(count).toBe(['no', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight'][bundlers.length]);
});
