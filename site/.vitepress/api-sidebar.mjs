import { readdirSync } from 'node:fs';
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

/** The entries of the package, as TypeDoc names them. */
export const ENTRIES = [
  'kvs-parser',
  'kvs-parser/client',
  'kvs-parser/mp4',
  'kvs-parser/decode',
  'kvs-parser/hls',
  'kvs-parser/hls/node',
  'kvs-parser/fleet',
  'kvs-parser/testing',
];

/**
 * A side bar for each entry: its own pages, and links to the other entries. One for all of them would stand in each of some 370 pages.
 *
 * @param {string} pages the folder that has TypeDoc's pages as `api`
 */
export function apiSidebar(pages) {
  const sidebars = {};
  for (const entry of [...ENTRIES].reverse()) {
    const others = ENTRIES.map((text) => ({ text, link: `/api/${text}/` }));
    sidebars[`/api/${entry}/`] = [{ text: 'Entries', items: others }, ...groupsOf(pages, entry)];
  }
  sidebars['/api/'] = [{ text: 'Entries', items: ENTRIES.map((text) => ({ text, link: `/api/${text}/` })) }];
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
