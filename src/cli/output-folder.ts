import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { removeWhenKilled } from './interrupt.js';

/** How a folder is opened for output. */
export interface OutputFolderOptions {
  /** Names that the command gives. Files with such names, of an earlier run, would mix with the new ones. */
  readonly names: RegExp;
  /** Replace them one by one. Default: where there are any, it is an error. */
  readonly force?: boolean | undefined;
}

/** A folder that a command fills with files, each of which is there under its name only when it is whole. */
export class OutputFolder {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  /**
   * Opens a folder, and makes it where there is none.
   *
   * @throws Error when it cannot be made, or has such files already
   */
  static async open(path: string, { names, force }: OutputFolderOptions): Promise<OutputFolder> {
    await mkdir(path, { recursive: true }).catch((error: unknown) => {
      throw cannotWrite(path, error);
    });
    const before = (await readdir(path)).find((name) => names.test(name));
    if (before !== undefined && force !== true) {
      throw new Error(`${join(path, before)} is there already; with --force, files of the same names are replaced`);
    }
    return new OutputFolder(path);
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
}

function cannotWrite(path: string, error: unknown): Error {
  return new Error(`cannot write ${path}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
}
