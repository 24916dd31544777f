import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ENTRIES, publicDeclarations } from '../scripts/doc-comments.js';

it('the entries that are looked at are those of the package', () => {
  const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as { exports: Record<string, unknown> };
  const built = Object.values(exports).flatMap((entry) => /"default":"(.*?)"/.exec(JSON.stringify(entry))?.[1] ?? []);
  expect(ENTRIES.map((entry) => entry.replace(/^src(.*)ts$/, './dist$1js')).sort()).toEqual(built.sort());
});

it('every exported symbol and every member of one has a doc comment', () => {
  const declarations = publicDeclarations();
  expect(declarations.length).toBeGreaterThan(1000);
  const missing = declarations.filter(({ documented }) => !documented);
  expect(missing.map(({ name, place }) => `${place}: ${name}`)).toEqual([]);
});
