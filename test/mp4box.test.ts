import { build, type Metafile } from 'esbuild';
import { expect, it } from 'vitest';

/** The files that are loaded with an entry, before anything is called. */
async function loadedWith(entry: string): Promise<{ readonly files: readonly string[]; readonly graph: Metafile }> {
  const { metafile } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    treeShaking: false,
    outdir: 'out',
    splitting: true,
    logLevel: 'silent',
  });
  const files = new Set([entry]);
  for (const file of files) {
    for (const { path, kind } of metafile.inputs[file]?.imports ?? []) if (kind === 'import-statement') files.add(path);
  }
  return { files: [...files], graph: metafile };
}

it('mp4box is loaded with the MP4 entry, and with no other', async () => {
  expect((await loadedWith('src/mp4/index.ts')).files).toContain('mp4box');
  for (const entry of ['index', 'client/index', 'decode/index', 'testing/index', 'cli/main', 'cli/fragments']) {
    expect((await loadedWith(`src/${entry}.ts`)).files, entry).not.toContain('mp4box');
  }
  // The command knows it, and loads it later.
  expect(Object.keys((await loadedWith('src/cli/main.ts')).graph.inputs)).toContain('src/mp4/boxes.ts');
});
