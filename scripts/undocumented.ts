/** Prints every public declaration without a doc comment, and how many there are. The exit code is 1 where there is one. */
import { publicDeclarations } from './doc-comments.js';

const all = publicDeclarations();
const missing = all.filter(({ documented }) => !documented);
for (const { name, place } of missing) console.log(`${place}: ${name}`);
console.log(`${missing.length} of ${all.length} public declarations have no doc comment`);
process.exitCode = missing.length > 0 ? 1 : 0;
