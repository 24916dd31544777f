import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitepress';
import { GUIDES } from '../navigation.mjs';
import { apiSidebar } from './api-sidebar.mjs';

const PAGES = fileURLToPath(new URL('../.pages/', import.meta.url));

const guides = GUIDES.map(({ text, items }) => ({
  text,
  items: items.map(({ text, page }) => ({ text, link: `/${page}` })),
}));

// A build of the guides alone has no reference to lead to.
const hasApi = existsSync(`${PAGES}api`);

export default defineConfig({
  title: 'kvs-parser',
  description:
    'Read Amazon Kinesis Video Streams in TypeScript: fragments, frames, MP4, HLS, pictures and sound, in Node and browsers',
  lang: 'en',
  srcDir: '.pages',
  outDir: 'dist',
  // The path that the site is served at, with a slash at both ends.
  base: process.env.DOCS_BASE ?? '/',
  ignoreDeadLinks: hasApi ? false : [/^\/api\//],
  markdown: { theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' } },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Guides', link: '/getting-started' },
      { text: 'API', link: '/api/' },
    ],
    sidebar: { ...(hasApi ? apiSidebar(PAGES) : {}), '/': guides },
  },
  vite: { build: { minify: false, reportCompressedSize: false, chunkSizeWarningLimit: 4000 } },
});
