// Says what a release still lacks; the exit code is 1 as long as something does. npm runs it before it publishes.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url));
const read = (name) => readFileSync(`${root}/${name}`, 'utf8');
const manifest = JSON.parse(read('package.json'));
const lacking = [];

// Only the owner knows where the project is at home.
const isAddress = (value) => typeof value === 'string' && /^(git\+)?(https?|ssh):\/\/[^\s/]+\/\S+$/.test(value);
const owner = {
  repository: isAddress(manifest.repository?.url),
  homepage: isAddress(manifest.homepage),
  bugs: isAddress(manifest.bugs?.url),
};
for (const [field, known] of Object.entries(owner)) {
  if (!known) lacking.push(`package.json: ${field} is the owner's to fill in`);
}

for (const field of ['name', 'version', 'description', 'license', 'engines', 'exports', 'files']) {
  if (manifest[field] === undefined) lacking.push(`package.json: no ${field}`);
}
if (!read('CHANGELOG.md').includes(`\n## [${manifest.version}] - `)) {
  lacking.push(`CHANGELOG.md: no section "## [${manifest.version}] - YYYY-MM-DD"`);
}
if (/\[yyyy\]|\[name of copyright owner\]/.test(read('LICENSE')))
  lacking.push('LICENSE: a placeholder for year and owner');

const lock = JSON.parse(read('package-lock.json'));
if (lock.version !== manifest.version) lacking.push(`package-lock.json: version ${lock.version}`);
for (const [path, { integrity, resolved, link }] of Object.entries(lock.packages)) {
  if (path === '' || link) continue;
  if (integrity === undefined) lacking.push(`package-lock.json: no integrity of ${path}`);
  if (resolved !== undefined) lacking.push(`package-lock.json: the address of a registry at ${path}`);
}

for (const line of lacking) console.error(line);
console.error(lacking.length === 0 ? 'ready for release' : `not ready for release: ${lacking.length} to do`);
process.exitCode = lacking.length === 0 ? 0 : 1;
