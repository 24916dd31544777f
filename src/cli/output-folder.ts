import { mkdir, open, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { removeWhenKilled } from './interrupt.js';
import { cannotWrite, isThere } from './output-error.js';
import { hasCode } from './system-error.js';

/** How a directory is opened for output. */
export interface OutputFolderOptions {
  /** Names that the command gives. Files with such names, of an earlier run, would mix with the new ones. */
  readonly names: RegExp;
  /** Replace them one by one. Default: where there are any, it is an error. */
  readonly force?: boolean | undefined;
}

/** A directory that a command fills with files, each of which is there under its name only when it is whole. */
export class OutputFolder {
  readonly #path: string;
  /** Directories that were made for it, the innermost first. */
  readonly #made: readonly string[];

  private constructor(path: string, made: readonly string[]) {
    this.#path = path;
    this.#made = made;
  }

  /**
   * Opens a directory, and makes it where there is none.
   *
   * @throws Error when it cannot be made, or has such files already
   */
  static async open(path: string, { names, force }: OutputFolderOptions): Promise<OutputFolder> {
    try {
      const made = await makeFolder(path);
      const before = (await readdir(path)).find((name) => names.test(name));
      if (before === undefined || force === true) return new OutputFolder(path, made);
      throw isThere(join(path, before), 'files with the same names');
    } catch (error) {
      throw cannotWrite(path, error);
    }
  }

  /** Writes a file. What lies at its name is replaced, and a link not followed. */
  async write(name: string, bytes: Uint8Array | readonly Uint8Array[]): Promise<void> {
    const path = join(this.#path, name);
    const unfinished = `${path}.${process.pid}.part`;
    let forget = () => {};
    try {
      const file = await open(unfinished, 'wx');
      forget = removeWhenKilled(unfinished);
      try {
        for (const piece of bytes instanceof Uint8Array ? [bytes] : bytes) await file.writeFile(piece);
      } finally {
        await file.close();
      }
      await rename(unfinished, path);
    } catch (error) {
      await rm(unfinished, { force: true }).catch(() => {});
      throw cannotWrite(path, error);
    } finally {
      forget();
    }
  }

  /** Gives up: the files that were written stay; directories that were made and are empty do not. Never rejects. */
  async abandon(): Promise<void> {
    for (const path of this.#made) {
      try {
        await rmdir(path);
      } catch {
        // There are files in it.
        return;
      }
    }
  }
}

/**
 * Makes a directory, and those that it lies in where they are missing.
 *
 * `recursive` of Node does not end where the system says ENOENT of a directory whose parent is there, as in /proc.
 *
 * @returns those that were made, the innermost first
 */
async function makeFolder(path: string): Promise<string[]> {
  try {
    await mkdir(path);
    return [path];
  } catch (error) {
    if (hasCode(error, 'EEXIST')) {
      // Says ENOTDIR where it is no directory.
      await readdir(path);
      return [];
    }
    const parent = dirname(path);
    if (!hasCode(error, 'ENOENT') || parent === path) throw error;
    const made = await makeFolder(parent);
    await mkdir(path);
    return [path, ...made];
  }
}
