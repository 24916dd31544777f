// npm runs this behind an installation of a checkout, which is how `npm install git+…` gets a built package. What is built stays as it is.
import { execSync } from 'node:child_process';
import { existsSync } from 'node:fs';

if (!existsSync(new URL('../dist/index.js', import.meta.url))) execSync('npm run build', { stdio: ['ignore', 2, 2] });
