/**
 * The pages of the site, in the order of the side bar: where each comes from, seen from the root of the repository. A page of `docs` has the
 * address of its name. A test holds that none of `docs` is missing here.
 */
export const GUIDES = [
  {
    text: 'Read streams',
    items: [
      { text: 'Getting started', source: 'docs/getting-started.md' },
      { text: 'Fragments, frames, elements', source: 'docs/reading.md' },
      { text: 'Live consumer', source: 'docs/consumer.md' },
      { text: 'Stored media', source: 'docs/stored.md' },
      { text: 'Recipes', source: 'docs/recipes.md' },
      { text: 'Many streams, many machines', source: 'docs/scale.md' },
    ],
  },
  {
    text: 'Use the media',
    items: [
      { text: 'Pictures and sound for analytics', source: 'docs/analytics.md' },
      { text: 'Playback: HLS and DASH', source: 'docs/playback.md' },
      { text: 'MP4', source: 'docs/mp4.md' },
      { text: 'Browser', source: 'docs/browser.md' },
    ],
  },
  {
    text: 'Tools',
    items: [
      { text: 'Command line', source: 'docs/command-line.md' },
      { text: 'Check a stream', source: 'docs/check.md' },
      { text: 'View a stream', source: 'docs/view.md' },
      { text: 'Testing without AWS', source: 'docs/testing.md' },
    ],
  },
  {
    text: 'Facts',
    items: [
      { text: 'Error catalogue', source: 'docs/errors.md' },
      { text: 'Robustness', source: 'docs/robustness.md' },
      { text: 'Limits', source: 'docs/limits.md' },
      { text: 'Runtimes, bundlers, TypeScript', source: 'docs/runtimes.md' },
      { text: 'Speed', source: 'bench/README.md', page: 'bench' },
    ],
  },
  {
    text: 'From another library',
    items: [
      { text: 'From Java', source: 'docs/java.md' },
      { text: 'From Python', source: 'docs/python.md' },
    ],
  },
  {
    text: 'The project',
    items: [
      { text: 'Contributing', source: 'CONTRIBUTING.md', page: 'contributing' },
      { text: 'What the tests notice', source: 'docs/mutation.md' },
      { text: 'Security', source: 'SECURITY.md', page: 'security' },
      { text: 'Changelog', source: 'CHANGELOG.md', page: 'changelog' },
    ],
  },
];

/** @returns {{ text: string, source: string, page: string }[]} the pages, each with its name on the site */
export function guidePages() {
  return GUIDES.flatMap(({ items }) => items).map(({ text, source, page }) => ({
    text,
    source,
    page: page ?? pageOf(source),
  }));
}

/** @param {string} source of a page in `docs` */
export function pageOf(source) {
  return source.replace(/^docs\//, '').replace(/\.md$/, '');
}
