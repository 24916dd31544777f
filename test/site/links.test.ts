import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { posix } from 'node:path';
import { describe, expect, it } from 'vitest';
import { proseOf } from '../support/doc-blocks.js';

const PAGES = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
  encoding: 'utf8',
})
  .split('\n')
  .filter((page) => page !== '' && !page.startsWith('site/') && existsSync(page));

interface Link {
  readonly page: string;
  readonly target: string;
  /** The file or folder, from the root of the repository. */
  readonly file: string;
  readonly anchor: string | undefined;
}

function linksOf(page: string): Link[] {
  // Brackets in code are no links.
  const text = proseOf(page).replace(/`[^`\n]*`/g, '``');
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target = '']) => {
    if (/^\w+:/.test(target)) return [];
    const [path = '', anchor] = target.split('#');
    const file = path === '' ? page : posix.normalize(posix.join(posix.dirname(page), path)).replace(/\/$/, '');
    return [{ page, target, file, anchor }];
  });
}

/** The anchors of a page, made of its headings as GitHub and npm do. */
function anchorsOf(page: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of proseOf(page).matchAll(/^#+ (.*)$/gm)) {
    const plain = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const slug = plain.replace(/[^\p{L}\p{N}_\- ]/gu, '').replaceAll(' ', '-');
    let anchor = slug;
    for (let i = 1; anchors.has(anchor); i++) anchor = `${slug}-${i}`;
    anchors.add(anchor);
  }
  return anchors;
}

const links = PAGES.flatMap(linksOf);

describe('the links of all Markdown pages', () => {
  it('are there', () => {
    expect(links.length).toBeGreaterThan(30);
  });

  it('lead to files and headings that exist', () => {
    const dead = links.filter(({ file, anchor }) => {
      if (!existsSync(file)) return true;
      return anchor !== undefined && !(file.endsWith('.md') && anchorsOf(file).has(anchor));
    });
    expect(dead.map(({ page, target }) => `${page}: ${target}`)).toEqual([]);
  });

  it('lead from pages of the package to what is in the package: npm shows no other files', () => {
    const { files } = JSON.parse(readFileSync('package.json', 'utf8')) as { files: string[] };
    // npm adds these by itself.
    const packed = [...files, 'package.json', 'README.md', 'LICENSE'];
    const isPacked = (file: string) => packed.some((entry) => file === entry || file.startsWith(`${entry}/`));
    const outside = links.filter(({ page, file }) => isPacked(page) && !isPacked(file));
    expect(outside.map(({ page, target }) => `${page}: ${target}`)).toEqual([]);
  });

  it('lead from the README to files: npm shows no folders', () => {
    const folders = links.filter(({ page, file }) => page === 'README.md' && statSync(file).isDirectory());
    expect(folders.map(({ target }) => target)).toEqual([]);
  });
});
