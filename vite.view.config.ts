import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** The boxes that segments for Media Source Extensions are made of, by their classes in mp4box: see `src/mp4`. */
const WRITTEN = new Set(
  [
    ...['ftyp', 'styp', 'moov', 'mvhd', 'trak', 'tkhd', 'edts', 'elst', 'mdia', 'mdhd', 'hdlr', 'minf', 'vmhd', 'smhd'],
    ...['dinf', 'dref', 'url', 'stbl', 'stsd', 'stts', 'ctts', 'stsc', 'stsz', 'stco', 'co64', 'stss'],
    ...['mvex', 'trex', 'moof', 'mfhd', 'traf', 'tfhd', 'tfdt', 'trun'],
  ]
    .map((name) => `${name}Box`)
    .concat(['avc1SampleEntry', 'hvc1SampleEntry', 'hev1SampleEntry', 'mp4aSampleEntry']),
);

/**
 * mp4box registers all the boxes that it can read, so that no bundler can leave one out. The page writes some 40 kinds and reads none: the
 * others, half of mp4box, stay out of it.
 */
function onlyWrittenBoxes(): Plugin {
  return {
    name: 'only-written-boxes',
    transform(code, id) {
      if (!/[\\/]mp4box[\\/]dist[\\/]/.test(id)) return undefined;
      // A class with a static block is kept, whoever uses it; one with a static field is not.
      const plain = code.replaceAll(/static \{\s*this\.(\w+) = ("[^"]*");\s*\}/g, 'static $1 = $2;');
      if (!id.includes('mp4box.all.mjs')) return plain;
      const list = /(var all_boxes_exports = [^{]*__exportAll\(\{)([\s\S]*?)(\}\);)/;
      if (!list.test(plain)) throw new Error('mp4box does not list its boxes as it did');
      return plain.replace(list, (_, begin: string, entries: string, end: string) => {
        const kept = entries.split('\n').filter((line) => WRITTEN.has(/^\s*(\w+):/.exec(line)?.[1] ?? ''));
        if (kept.length !== WRITTEN.size) throw new Error(`mp4box has ${kept.length} of ${WRITTEN.size} boxes`);
        return `${begin}${kept.join('\n')}${end}`;
      });
    },
  };
}

/**
 * The inspector's page and its worker, for `kvs view` and for any static host. They are one build of two entries, and not a page with a
 * worker that Vite builds apart: so both load the same chunk of the library.
 */
export default defineConfig({
  root: path('src/view/page'),
  // Addresses that hold wherever the page is served from.
  base: './',
  logLevel: 'warn',
  plugins: [onlyWrittenBoxes()],
  build: {
    outDir: path('dist/view'),
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: { polyfill: false },
    // Of the packages that are in it, which ask for their licence to come along.
    license: { fileName: 'licenses.md' },
    rolldownOptions: {
      input: { index: path('src/view/page/index.html'), worker: path('src/view/worker.ts') },
      output: {
        entryFileNames: ({ name }) => (name === 'worker' ? 'worker.js' : 'assets/[name]-[hash].js'),
      },
    },
  },
});
