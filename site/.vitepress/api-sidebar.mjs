import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The kinds of pages that the side bar lists, and those that it only leads to: their lists are on the page of the entry. */
const LISTED = [
  ['functions', 'Functions'],
  ['classes', 'Classes'],
];
const LED_TO = [
  ['interfaces', 'Interfaces'],
  ['type-aliases', 'Type Aliases'],
  ['variables', 'Variables'],
];

const { name, exports } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

/** The entries of the package, as TypeDoc names them. */
const ENTRIES = Object.keys(exports)
  .filter((path) => path !== './package.json')
  .map((path) => path.replace('.', name));

/**
 * A side bar for each entry: its own pages, and links to all entries. One for all of them would stand in each of some 370 pages.
 *
 * @param {string} pages the folder that has TypeDoc's pages as `api`
 */
export function apiSidebar(pages) {
  const entries = { text: 'Entries', items: ENTRIES.map((text) => ({ text, link: `/api/${text}/` })) };
  const sidebars = { '/api/': [entries] };
  for (const entry of ENTRIES) sidebars[`/api/${entry}/`] = [entries, ...groupsOf(pages, entry)];
  return sidebars;
}

function groupsOf(pages, entry) {
  const folders = readdirSync(join(pages, 'api', entry));
  const groups = LISTED.filter(([folder]) => folders.includes(folder)).map(([folder, text]) => {
    const names = readdirSync(join(pages, 'api', entry, folder)).map((file) => file.replace(/\.md$/, ''));
    return { text, items: names.sort().map((name) => ({ text: name, link: `/api/${entry}/${folder}/${name}` })) };
  });
  const types = LED_TO.filter(([folder]) => folders.includes(folder)).map(([folder, text]) => ({
    text,
    link: `/api/${entry}/#${folder}`,
  }));
  return types.length === 0 ? groups : [...groups, { text: 'Types', items: types }];
}
