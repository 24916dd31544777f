import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { ARCHIVED_MEDIA, GET_MEDIA_PEERS, Project } from './project.js';
import { IS_QUICK } from './subjects.js';

/** What docs/recipes.md says is to be installed, and what a TypeScript project with React has anyway. */
const PACKAGES = [
  ...GET_MEDIA_PEERS,
  ARCHIVED_MEDIA,
  '@aws-sdk/client-dynamodb',
  '@aws-sdk/client-s3',
  '@aws-sdk/lib-storage',
  'react',
  'ws',
  'typescript@5.9',
  '@types/node@20',
  '@types/react',
  '@types/ws',
];

describe.skipIf(IS_QUICK)('the recipes of the package, copied into a project', () => {
  it('compile under strict settings', async () => {
    const project = await Project.make('recipes', PACKAGES, {}, '');
    const recipes = join(project.folder, 'node_modules/kvs-parser/examples/recipes');
    cpSync(recipes, join(project.folder, 'src'), { recursive: true });
    const compilerOptions = {
      noEmit: true,
      strict: true,
      noUncheckedIndexedAccess: true,
      target: 'ES2022',
      module: 'NodeNext',
      lib: ['ES2022', 'DOM', 'DOM.Iterable'],
      jsx: 'react-jsx',
      types: ['node'],
      skipLibCheck: true,
    };
    project.write('tsconfig.json', JSON.stringify({ compilerOptions, include: ['src'] }));
    await project.run('tsc', ['-p', 'tsconfig.json']);
  });
});
