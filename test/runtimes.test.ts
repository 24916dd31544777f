import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { SUBJECTS } from './package/subjects.js';

it('docs/runtimes.md lists what npm run test:package tries', () => {
  const rows = [...readFileSync('docs/runtimes.md', 'utf8').matchAll(/^\| (.*?) +\| +([\d.]*) *\| (.*?) *\|$/gm)];
  const told = rows.map(([, name, , what]) => [name, what]);
  const tried = SUBJECTS.map(({ name, what, quick }) => [quick === true ? `${name} *` : name, what]);
  expect(told.filter(([name]) => name !== 'what' && !name?.startsWith('-'))).toEqual(tried);
});
