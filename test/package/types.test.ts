import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { blocksOf } from '../support/doc-blocks.js';
import { ARCHIVED_MEDIA, GET_MEDIA_PEERS, Project } from './project.js';
import { chosen, IS_QUICK } from './subjects.js';

const NO_DOM = ['ES2022'];
const DOM = [...NO_DOM, 'DOM', 'DOM.Iterable'];

/** The AWS SDK's own types need those of Node. */
const ANYWHERE = ['core', 'mp4', 'decode', 'hls'];
const WITH_NODE = [...ANYWHERE, 'client', 'testing', 'fleet'];

/** How modules are found: as Node does, and as bundlers do. */
const NODE_NEXT = { module: 'NodeNext', moduleResolution: 'NodeNext' };
const NODE_16 = { module: 'Node16', moduleResolution: 'Node16' };
const BUNDLER = { module: 'ESNext', moduleResolution: 'Bundler' };

describe.each(chosen('TypeScript'))('$name', ({ name, packages }) => {
  let project: Project;
  beforeAll(async () => {
    project = await Project.make(name, [...packages, '@types/node@20', 'bullmq', ...GET_MEDIA_PEERS, ARCHIVED_MEDIA]);
    project.version('typescript', name);
  });

  async function compile(
    files: readonly string[],
    lib: readonly string[],
    types: readonly string[],
    modules: object = NODE_NEXT,
  ): Promise<void> {
    const compilerOptions = {
      noEmit: true,
      strict: true,
      target: 'ES2022',
      ...modules,
      skipLibCheck: false,
      lib,
      types,
    };
    const config = { compilerOptions, files: files.map((file) => `types/${file}.ts`) };
    project.write('tsconfig.json', JSON.stringify(config));
    await project.run('tsc', ['-p', 'tsconfig.json']);
  }

  it('compiles every entry with `skipLibCheck: false`, with and without the DOM library and `@types/node`, as `nodenext`, `node16` and `bundler`', async () => {
    await compile(WITH_NODE, DOM, ['node'], NODE_NEXT);
    await compile(ANYWHERE, DOM, [], BUNDLER);
    // Who reads live streams only does not have it.
    rmSync(join(project.folder, 'node_modules', ARCHIVED_MEDIA), { recursive: true });
    await compile(WITH_NODE, NO_DOM, ['node'], NODE_16);
    await compile(ANYWHERE, NO_DOM, [], NODE_NEXT);
  });

  // The first tier has the time for it with the fast compiler alone.
  it.skipIf(IS_QUICK && name !== 'TypeScript 7')('compiles the examples of README.md', async () => {
    const examples = blocksOf('README.md').filter(({ language }) => language === 'ts');
    expect(examples.length).toBeGreaterThan(3);
    for (const example of examples) project.write(`types/${example.name}.ts`, example.code);
    await compile(
      examples.map((example) => example.name),
      DOM,
      ['node'],
    );
  });

  it('takes its bytes where the platform takes bytes', async () => {
    await compile(['bytes'], DOM, []);
  });

  it('finds a wrong use', async () => {
    project.write('types/wrong.ts', `import { readFrames } from 'kvs-parser';\nreadFrames(5);\n`);
    await expect(compile(['wrong'], DOM, [])).rejects.toThrow('TS2345');
  });
});
