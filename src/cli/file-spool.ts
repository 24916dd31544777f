import { type FileHandle, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Mp4Spool } from '../mp4/index.js';
import { cannotWrite } from './output-error.js';
import type { OutputFile } from './output-file.js';

const READ_SIZE = 1 << 20;

/** A spool in a temporary file, which is gone with the process whatever happens. */
export class FileSpool implements Mp4Spool {
  readonly #file: FileHandle;
  readonly #path: string;

  private constructor(file: FileHandle, path: string) {
    this.#file = file;
    this.#path = path;
  }

  /** Opens a spool beside an output, where there is room for the output itself; where it lies nowhere, in the system's folder. */
  static async beside(output: OutputFile): Promise<FileSpool> {
    const name = `kvs-${process.pid}-${Math.random().toString(36).slice(2)}.spool`;
    const path = output.beside === undefined ? join(tmpdir(), name) : `${output.beside}.${name}`;
    const file = await open(path, 'wx+').catch((error: unknown) => {
      throw cannotWrite(path, error);
    });
    // A file without a name lasts as long as it is open; where a system has no such thing it is removed at the end.
    await rm(path).catch(() => {});
    return new FileSpool(file, path);
  }

  async write(bytes: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < bytes.length; ) at += (await this.#file.write(bytes, at)).bytesWritten;
    } catch (error) {
      throw cannotWrite(`the temporary file ${this.#path}`, error);
    }
  }

  async *read(): AsyncGenerator<Uint8Array, void> {
    const buffer = new Uint8Array(READ_SIZE);
    for (let position = 0; ; ) {
      const { bytesRead } = await this.#file.read(buffer, 0, READ_SIZE, position);
      if (bytesRead === 0) return;
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  }

  /** Ends it and gives its room back. Never rejects. */
  async close(): Promise<void> {
    await this.#file.close().catch(() => {});
    await rm(this.#path, { force: true }).catch(() => {});
  }
}
