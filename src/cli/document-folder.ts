import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { type DocumentFacts, type DocumentPart, DocumentSplitter } from '../fragments/document-splitter.js';
import { type OutputFile, openOutput } from './output-file.js';
import { OutputFolder } from './output-folder.js';

/** A file that has been written. */
export interface DocumentFile {
  readonly path: string;
  readonly document: DocumentFacts;
}

/** The names that files get. */
const NAMES = /^\d{6,}(\.truncated)?\.mkv$/;

/** How a folder of documents is made. */
export interface DocumentFolderOptions {
  /** Replace files of the same names. Default: where there are any such files, it is an error. */
  readonly force?: boolean | undefined;
  /** The input of the command, which none of them must be. */
  readonly input?: string | undefined;
  /** Is told of each file. */
  readonly onFile?: ((file: DocumentFile) => Promise<void> | undefined) | undefined;
}

/**
 * A folder with a file for each document: `000001.mkv`, `000002.mkv`, …, in the order of the stream; `.truncated.mkv` where bytes of it are
 * missing. Each file gets its name when it is finished.
 */
export class DocumentFolder {
  readonly #path: string;
  readonly #options: DocumentFolderOptions;
  readonly #folder: OutputFolder;
  #file: OutputFile | undefined;

  private constructor(path: string, options: DocumentFolderOptions, folder: OutputFolder) {
    this.#path = path;
    this.#folder = folder;
    this.#options = options;
  }

  /**
   * Opens a folder, and makes it where there is none.
   *
   * @throws Error when it cannot be made, or has such files already
   */
  static async open(path: string, options: DocumentFolderOptions): Promise<DocumentFolder> {
    const folder = await OutputFolder.open(path, { names: NAMES, force: options.force });
    return new DocumentFolder(path, options, folder);
  }

  /** Writes a part of the document at hand, or the first of the next. */
  async write({ document, bytes, isLast }: DocumentPart): Promise<void> {
    const name = String(document.index + 1).padStart(6, '0');
    const path = join(this.#path, `${name}.mkv`);
    this.#file ??= await openOutput(path, this.#options);
    await this.#file.write(bytes);
    if (!isLast) return;
    await this.#file.finish();
    this.#file = undefined;
    const cut = join(this.#path, `${name}.truncated.mkv`);
    if (document.truncated) await rename(path, cut);
    await this.#options.onFile?.({ path: document.truncated ? cut : path, document });
  }

  /** Gives up the document at hand; those before stay. Never rejects. */
  async abandon(): Promise<void> {
    await this.#file?.abandon();
    this.#file = undefined;
    await this.#folder.abandon();
  }
}

/** An output whose documents become files in a folder. */
export function documentsOutput(folder: DocumentFolder): OutputFile {
  const splitter = new DocumentSplitter({});
  const drain = async () => {
    for (let part = splitter.nextIfAvailable(); part !== undefined; part = splitter.nextIfAvailable()) {
      await folder.write(part);
    }
  };
  return {
    isStandardOutput: false,
    beside: undefined,
    write: (bytes) => {
      // They may be used again when this is done.
      splitter.push(bytes.slice());
      return drain();
    },
    finish: () => {
      splitter.end();
      return drain();
    },
    keep: async () => undefined,
    abandon: () => folder.abandon(),
  };
}
