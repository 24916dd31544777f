import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LocalKinesisVideo, startLocalKinesisVideo } from '../../src/testing/index.js';
import { openBrowser } from '../support/browser.js';
import { CONSUMED, ENTRIES, READ, READ_IN_PAGE, RECORDING } from './facts.js';
import { ARCHIVED_MEDIA, GET_MEDIA_PEERS, noteVersion, Project } from './project.js';
import { chosen, type Subject } from './subjects.js';

let local: LocalKinesisVideo;
beforeAll(async () => {
  local = await startLocalKinesisVideo({ streams: { camera: { source: RECORDING } } });
});
afterAll(() => local.close());

const environment = () => ({ ENDPOINT: local.endpoint, RECORDING: resolve(RECORDING) });

/** Installs a package of the AWS SDK whose own dependency is missing. */
function breakArchivedMedia(project: Project): void {
  const folder = `node_modules/${ARCHIVED_MEDIA}`;
  project.write(`${folder}/package.json`, '{ "name": "broken", "version": "3.0.0", "main": "./index.js" }');
  project.write(`${folder}/index.js`, "require('@smithy/not-installed');");
}

const BROKEN = expect.stringMatching(
  /package @aws-sdk\/client-kinesis-video-archived-media does not load: .*@smithy\/not-installed/,
);

async function projectOf({ name, packages }: Subject, peers: readonly string[] = GET_MEDIA_PEERS): Promise<Project> {
  const project = await Project.make(name, [...packages, ...peers]);
  project.version(packages[0]!.replace(/(?<=.)@.*/, ''), name);
  return project;
}

const subjects = chosen('runtime');

describe.each(subjects.filter(({ name }) => name.startsWith('Node')))('$name', (subject) => {
  let project: Project;
  let node: string;
  beforeAll(async () => {
    project = await projectOf(subject);
    node = join(project.folder, 'node_modules/node/bin/node');
    const { stdout } = await project.run(node, ['--version']);
    expect(stdout).toContain(`v${subject.name.split(' ')[1]}.`);
  });

  it('reads, remuxes, and consumes through the AWS SDK', async () => {
    const { stdout } = await project.run(node, ['node.js'], environment());
    expect(JSON.parse(stdout)).toEqual({ ...READ, ...CONSUMED });
  });

  it('gives all entries to `import` and to `require()`', async () => {
    const imported = await project.run(node, ['entries.js'], environment());
    expect(JSON.parse(imported.stdout)).toEqual(ENTRIES);
    const { stdout } = await project.run(node, ['require.cjs'], environment());
    const { elements, counts } = JSON.parse(stdout);
    expect(elements).toBeGreaterThan(1000);
    const { exports: entries }: { exports: object } = JSON.parse(readFileSync('package.json', 'utf8'));
    expect(Object.keys(counts)).toEqual(Object.keys(entries));
    for (const [entry, count] of Object.entries(counts)) expect(count, entry).toBeGreaterThan(0);
  });

  it('says why a package of the AWS SDK does not load', async () => {
    breakArchivedMedia(project);
    const { stdout } = await project.run(node, ['node.js'], environment());
    expect(JSON.parse(stdout)).toMatchObject({ missing: BROKEN });
  });

  it('runs `kvs`', async () => {
    const kvs = join(project.folder, 'node_modules/kvs-parser/dist/cli/main.js');
    const { stdout } = await project.run(node, [kvs, 'fragments', '--json', resolve(RECORDING)]);
    expect(stdout.trim().split('\n')).toHaveLength(READ.fragments);
  });
});

describe.each(subjects.filter(({ name }) => name === 'Bun' || name === 'Deno'))('$name', (subject) => {
  const flags = subject.name === 'Bun' ? [] : ['run', '--allow-all', '--node-modules-dir=manual'];
  let project: Project;
  beforeAll(async () => {
    project = await projectOf(subject);
  });
  const run = async (program: string): Promise<unknown> => {
    const { stdout } = await project.run(subject.name.toLowerCase(), [...flags, program], environment());
    return JSON.parse(stdout);
  };

  it('reads, remuxes, and consumes through the AWS SDK', async () => {
    expect(await run('node.js')).toEqual({ ...READ, ...CONSUMED });
  });

  it('gives all entries to `import`', async () => {
    expect(await run('entries.js')).toEqual(ENTRIES);
  });

  it('says why a package of the AWS SDK does not load', async () => {
    breakArchivedMedia(project);
    expect(await run('node.js')).toMatchObject({ missing: BROKEN });
  });
});

describe.each(subjects.filter(({ name }) => name === 'workerd'))('$name', (subject) => {
  it('reads and remuxes a request body', async () => {
    const project = await projectOf(subject, []);
    const bundle = ['--bundle', '--format=esm', '--platform=browser', '--outfile=worker.mjs'];
    await project.run('esbuild', ['worker.js', ...bundle]);
    project.write(
      'run-worker.js',
      `import { readFileSync } from 'node:fs';
import { Miniflare } from 'miniflare';
const worker = new Miniflare({
  modules: [{ type: 'ESModule', path: 'worker.mjs' }],
  compatibilityDate: '2025-01-01',
});
const response = await worker.dispatchFetch('http://localhost/', {
  method: 'POST',
  body: readFileSync(process.env.RECORDING),
});
console.log(await response.text());
await worker.dispose();
`,
    );
    const { stdout } = await project.run('node', ['run-worker.js'], environment());
    expect(JSON.parse(stdout)).toEqual(READ);
  });
});

describe.each(subjects.filter(({ name }) => name === 'Chromium'))('$name', (subject) => {
  it('reads and remuxes what it fetches', async () => {
    const project = await Project.make(subject.name, [...subject.packages, ...GET_MEDIA_PEERS]);
    await project.run('esbuild', ['browser.js', '--bundle', '--format=esm', '--platform=browser', '--outfile=out.mjs']);
    const { page, close } = await openBrowser({
      '/': { type: 'text/html', body: '<!doctype html><script type="module" src="/out.mjs"></script>' },
      '/out.mjs': { type: 'text/javascript', body: project.read('out.mjs') },
      '/camera.mkv': { type: 'video/x-matroska', body: readFileSync(RECORDING) },
    });
    try {
      noteVersion(subject.name, page.context().browser()?.version() ?? '');
      await page.waitForFunction('globalThis.result !== undefined', undefined, { timeout: 60_000 });
      const result = await page.evaluate<string>('globalThis.result');
      expect(JSON.parse(result)).toEqual(READ_IN_PAGE);
    } finally {
      await close();
    }
  });
});

describe.each(subjects.filter(({ name }) => name === 'Jest'))('$name', (subject) => {
  it('runs tests that import it as ES modules', async () => {
    const project = await projectOf(subject, []);
    project.write('jest.config.js', `export default { testMatch: ['**/*.check.js'], transform: {} };\n`);
    const env = { ...environment(), NODE_OPTIONS: '--experimental-vm-modules', NODE_ENV: 'test' };
    const { stderr } = await project.run('jest', [], env);
    expect(stderr).toContain('1 passed');
    expect(existsSync(join(project.folder, 'jest.check.js'))).toBe(true);
  });
});
