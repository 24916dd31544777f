/** The pages of the side bar, by their groups and titles: where each comes from, seen from the root of the repository. */
const SOURCES = {
  'Read streams': {
    'Getting started': 'docs/getting-started.md',
    'Fragments, frames, elements': 'docs/reading.md',
    'Live consumer': 'docs/consumer.md',
    'Stored media': 'docs/stored.md',
    Recipes: 'docs/recipes.md',
    'Many streams, many machines': 'docs/scale.md',
  },
  'Use the media': {
    'Pictures and sound for analytics': 'docs/analytics.md',
    'Playback: HLS and DASH': 'docs/playback.md',
    MP4: 'docs/mp4.md',
    Browser: 'docs/browser.md',
  },
  Tools: {
    'Command line': 'docs/command-line.md',
    'Check a stream': 'docs/check.md',
    'View a stream': 'docs/view.md',
    'Testing without AWS': 'docs/testing.md',
  },
  Facts: {
    'Error catalogue': 'docs/errors.md',
    Robustness: 'docs/robustness.md',
    Limits: 'docs/limits.md',
    'Runtimes, bundlers, TypeScript': 'docs/runtimes.md',
    Speed: 'bench/README.md',
  },
  'From another library': {
    'From Java': 'docs/java.md',
    'From Python': 'docs/python.md',
  },
  'The project': {
    Contributing: 'CONTRIBUTING.md',
    'What the tests notice': 'docs/mutation.md',
    Security: 'SECURITY.md',
    Changelog: 'CHANGELOG.md',
  },
};

/** The groups of the side bar with their pages. A test holds that no page of `docs` is missing. */
export const GUIDES = Object.entries(SOURCES).map(([text, sources]) => ({
  text,
  items: Object.entries(sources).map(([title, source]) => ({ text: title, source, page: pageOf(source) })),
}));

/** The name of a page on the site: that of its file, or of the folder whose README it is. */
function pageOf(source) {
  return source
    .replace(/^docs\//, '')
    .replace(/(\/README)?\.md$/, '')
    .toLowerCase();
}
