import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { bundleForBrowser, openBrowser } from '../support/browser.js';
import { blocksOf } from '../support/doc-blocks.js';
import { RECORDING } from './facts.js';
import { Project } from './project.js';

const readme = readFileSync('README.md', 'utf8');
const blocks = blocksOf('README.md');
const typescript = blocks.filter(({ language }) => language === 'ts');
const programs = typescript.filter(({ use }) => use === 'run');
const pages = typescript.filter(({ use }) => use === 'browser');
const commands = blocks.filter(({ code }) => code.startsWith('npx ')).flatMap(({ code }) => code.trim().split('\n'));

describe('README.md, in an empty project', () => {
  let project: Project;
  beforeAll(async () => {
    // Nothing is installed but what it says.
    const installed = [...readme.matchAll(/^npm install (.*)$/gm)].flatMap(([, names = '']) => names.split(' '));
    const others = installed.filter((name) => name !== 'kvs-parser');
    project = await Project.make('README', others, {}, '');
  });

  it('has examples, and is the README of the package', () => {
    expect([programs.length, pages.length, commands.length]).toEqual([3, 1, 4]);
    expect(Buffer.from(project.read('node_modules/kvs-parser/README.md')).toString()).toBe(readme);
  });

  it.each(programs.map((program, index) => [index + 1, program] as const))(
    'example %d runs as it stands',
    async (index, { code, output }) => {
      project.write(`example-${index}.mjs`, code);
      const { stdout } = await project.run('node', [`example-${index}.mjs`]);
      if (output === undefined) expect(stdout.trim()).not.toBe('');
      else expect(stdout).toBe(output);
    },
  );

  it.each(pages)('the page plays in Chromium as it stands', async ({ code }) => {
    project.write('page.js', code);
    const script = await bundleForBrowser(`import ${JSON.stringify(join(project.folder, 'page.js'))};`);
    const { page, errors, close } = await openBrowser({
      '/': { type: 'text/html', body: '<!doctype html><body><script type="module" src="/page.js"></script>' },
      '/page.js': { type: 'text/javascript', body: script },
      '/media': { type: 'video/x-matroska', body: readFileSync(RECORDING) },
    });
    try {
      await page.waitForFunction(() => (document.querySelector('video')?.currentTime ?? 0) > 0.5);
    } finally {
      await close();
    }
    expect(errors).toEqual([]);
  });

  it('its commands run', async () => {
    for (const command of commands) {
      // npx runs the program of that name that is installed.
      const [, program = '', ...args] = command.split(' ');
      const { stdout } = await project.run(program, args);
      expect(stdout.trim(), command).not.toBe('');
    }
    expect(existsSync(join(project.folder, 'camera.mp4'))).toBe(true);
  });

  it('its links lead to pages of the package', () => {
    for (const [, path = ''] of readme.matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g))
      expect(existsSync(join(project.folder, 'node_modules/kvs-parser', path)), path).toBe(true);
  });
});
