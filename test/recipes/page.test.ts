import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ALARMS } from '../../examples/recipes/cloudwatch-metrics.js';

const page = readFileSync('docs/recipes.md', 'utf8');
const files = readdirSync('examples/recipes', { recursive: true, encoding: 'utf8' }).filter((name) =>
  /\.\w+$/.test(name),
);

it('docs/recipes.md links every recipe', () => {
  for (const file of files) expect(page, file).toContain(`](../examples/recipes/${file})`);
  for (const [, path] of page.matchAll(/\]\(\.\.\/([^)#]+)/g)) expect(existsSync(path!), path).toBe(true);
});

it('every recipe is run by a test', () => {
  const tests = readdirSync('test/recipes', { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name))
    .map((name) => readFileSync(`test/recipes/${name}`, 'utf8'))
    .join('\n');
  for (const file of files.filter((name) => /\.tsx?$/.test(name)))
    expect(tests, file).toContain(`examples/recipes/${file.replace(/\.tsx?$/, '.js')}'`);
});

it('its examples call what the recipes export', () => {
  const imports = [...page.matchAll(/import \{ (.*?) \} from '\.\/(.*?)\.js'/g)];
  expect(imports.length).toBeGreaterThan(5);
  for (const [, names = '', file = ''] of imports) {
    const code = readFileSync(`examples/recipes/${file}.ts`, 'utf8');
    for (const name of names.split(', ')) expect(code, name).toMatch(new RegExp(`export .*\\b${name}\\b`));
  }
});

it('its table has the alarms of the recipe', () => {
  const rows = [...page.matchAll(/^\| `(\w+)` +\| (above .*?|.*missing.*?) +\|/gm)].map(([, name]) => name);
  expect(rows).toEqual(ALARMS.map(({ MetricName }) => MetricName));
});
