// Builds the site from the guides and the doc comments into site/dist: `npm run docs`.
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GUIDES } from './navigation.mjs';

const SITE = fileURLToPath(new URL('.', import.meta.url));
const ROOT = join(SITE, '..');
const PAGES = join(SITE, '.pages');

/** The tools of the site are not among the library's, so that an installation of a checkout stays small. */
function installTools() {
  const installed = join(SITE, 'node_modules/.package-lock.json');
  const lock = join(SITE, 'package-lock.json');
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return;
  execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: SITE, stdio: 'inherit' });
}

/** Where a guide lies on the site, by where it lies in the repository. */
const pages = new Map(GUIDES.flatMap(({ items }) => items).map(({ source, page }) => [source, page]));

/** A guide as the site shows it: links lead to pages of the site, and blocks that are not run say why. */
function forSite(source, text) {
  return text
    .replace(/\]\((?!https?:|#)([^)\s]+)\)/g, (_, target) => `](${siteTarget(source, target)})`)
    .replace(
      /^```(\w+) (not-run|compiled): (.*)\n([\s\S]*?)^```$/gm,
      (_, language, kind, reason, code) => `\`\`\`${language}\n${code}\`\`\`\n\n${note(kind, reason)}`,
    );
}

function siteTarget(source, target) {
  const [path, anchor] = target.split('#');
  const file = posix.normalize(posix.join(posix.dirname(source), path)).replace(/\/$/, '');
  const hash = anchor === undefined ? '' : `#${anchor}`;
  const page = pages.get(file) ?? pages.get(`${file}/README.md`);
  if (page !== undefined) return `/${page}${hash}`;
  const from = join(ROOT, file);
  if (!existsSync(from) || statSync(from).isDirectory())
    throw new Error(`${source} links to ${target}, which is no file`);
  // A file that is no page is shown as it is: text as text, whatever its name says.
  const to = /\.(png|svg|jpe?g|gif|webp)$/.test(file) ? `files/${file}` : `files/${file}.txt`;
  mkdirSync(dirname(join(PAGES, 'public', to)), { recursive: true });
  copyFileSync(from, join(PAGES, 'public', to));
  return `/${to}`;
}

/** Examples in doc comments are parts of programs. */
function tellOfExamples(folder) {
  for (const entry of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!entry.endsWith('.md')) continue;
    const file = join(folder, entry);
    const text = readFileSync(file, 'utf8');
    const told = text.replace(/^```ts\n[\s\S]*?^```$/gm, (block) => `${block}\n\n${note('compiled', EXCERPT)}`);
    if (told !== text) writeFileSync(file, told);
  }
}

const EXCERPT = 'it is a part of a program';

/** What is said of a block that is not run. */
function note(kind, reason) {
  const does = kind === 'compiled' ? 'Compiled by the tests, not run' : 'Not run by the tests';
  return `<p class="not-run">${does}: ${reason}.</p>`;
}

async function writeReference() {
  const { Application } = await import('typedoc');
  const app = await Application.bootstrapWithPlugins({ options: join(SITE, 'typedoc.json') });
  const project = await app.convert();
  if (project === undefined) throw new Error('TypeDoc could not read the sources');
  app.validate(project);
  await app.generateOutputs(project);
  tellOfExamples(join(PAGES, 'api'));
  if (app.logger.hasErrors() || app.logger.hasWarnings()) throw new Error('TypeDoc has something to complain about');
}

installTools();
rmSync(PAGES, { recursive: true, force: true });
mkdirSync(PAGES, { recursive: true });
for (const [source, page] of pages)
  writeFileSync(join(PAGES, `${page}.md`), forSite(source, readFileSync(join(ROOT, source), 'utf8')));
// The front matter is YAML, which JSON is a part of.
writeFileSync(join(PAGES, 'index.md'), `---\n${readFileSync(join(SITE, 'home.json'), 'utf8')}---\n`);

// `npm run docs -- --guides` is for those who write guides: TypeDoc takes most of the time.
if (!process.argv.includes('--guides')) await writeReference();

const { build } = await import('vitepress');
await build(SITE);
