import { beforeAll, describe, expect, it } from 'vitest';
import { Project } from './project.js';
import { chosen } from './subjects.js';

const SDK = [
  '@aws-sdk/client-kinesis-video',
  '@aws-sdk/client-kinesis-video-media',
  '@aws-sdk/client-kinesis-video-archived-media',
];
const LIBRARIES = { 'the DOM library': ['ES2022', 'DOM', 'DOM.Iterable'], 'no DOM library': ['ES2022'] };

/** The AWS SDK's own types need those of Node. */
const ANYWHERE = ['core', 'mp4', 'decode', 'hls'];
const WITH_NODE = [...ANYWHERE, 'client', 'testing'];

describe.each(chosen('TypeScript'))('$name', ({ name, packages }) => {
  let project: Project;
  beforeAll(async () => {
    project = await Project.make(name, [...packages, '@types/node@20', ...SDK]);
    project.version('typescript', name);
  });

  async function compile(files: readonly string[], lib: readonly string[], types: readonly string[]): Promise<void> {
    const compilerOptions = {
      noEmit: true,
      strict: true,
      target: 'ES2022',
      module: 'NodeNext',
      moduleResolution: 'NodeNext',
      skipLibCheck: false,
      lib,
      types,
    };
    const config = { compilerOptions, files: files.map((file) => `types/${file}.ts`) };
    project.write('tsconfig.json', JSON.stringify(config));
    await project.run('tsc', ['-p', 'tsconfig.json']);
  }

  it('compiles every entry with `skipLibCheck: false`, with and without the DOM library and `@types/node`', async () => {
    for (const lib of Object.values(LIBRARIES)) {
      for (const types of [['node'], []]) await compile(types.length > 0 ? WITH_NODE : ANYWHERE, lib, types);
    }
  });

  it('takes its bytes where the platform takes bytes', async () => {
    await compile(['bytes'], LIBRARIES['the DOM library'], []);
  });

  it('finds a wrong use', async () => {
    project.write('types/wrong.ts', `import { readFrames } from 'kvs-parser';\nreadFrames(5);\n`);
    await expect(compile(['wrong'], LIBRARIES['the DOM library'], [])).rejects.toThrow('TS2345');
  });
});
