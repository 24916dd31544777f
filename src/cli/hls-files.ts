import { join } from 'node:path';
import type { Packager } from '../hls/packager.js';
import { OutputFolder } from './output-folder.js';
import type { PlaybackSource } from './playback-source.js';
import type { PageFile } from './player-page.js';
import { tell, writeOut } from './terminal.js';
import { count } from './text.js';

/** Where a presentation is written. */
export interface FilesOptions {
  readonly out: string;
  readonly force?: boolean | undefined;
  readonly json?: boolean | undefined;
}

/** What the command writes. */
const NAMES = /\.(m3u8|mpd|m4s|mp4)$/;

/** Writes what a packager makes of a source, and a page that plays it. Playlists come last, so that nothing looks whole that is not. */
export async function writePlayback(
  packager: Packager,
  source: PlaybackSource,
  page: ReadonlyMap<string, PageFile>,
  { out, force, json }: FilesOptions,
): Promise<void> {
  const folder = await OutputFolder.open(out, { names: NAMES, force });
  try {
    await packager.feed(source.bytes);
    if (!packager.hasMedia) throw source.nothing();
  } catch (error) {
    await folder.abandon();
    throw error;
  } finally {
    source.progress.end();
  }
  const folders = new Map<string, OutputFolder>([['', folder]]);
  let files = 0;
  let bytes = 0;
  for await (const file of packager.files()) {
    const [name = '', directory = ''] = file.path.split('/').reverse();
    let target = folders.get(directory);
    if (target === undefined) {
      target = await OutputFolder.open(join(out, directory), { names: NAMES, force });
      folders.set(directory, target);
    }
    await target.write(name, file.bytes);
    files++;
    bytes += file.bytes.length;
  }
  for (const [name, file] of page) await folder.write(name, file.bytes);
  if (json === true) await writeOut(`${JSON.stringify({ files: files + page.size, bytes })}\n`);
  else tell(`wrote ${count(files + page.size, 'file')} to ${out}; index.html plays them`);
}
