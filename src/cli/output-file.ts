import { type BigIntStats, fstatSync } from 'node:fs';
import { type FileHandle, link, open, realpath, rename, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { isatty } from 'node:tty';
import { UsageError } from './command.js';
import { blocking, interruptible, removeWhenKilled } from './interrupt.js';
import { cannotWrite, isThere, refused } from './output-error.js';
import { hasCode } from './system-error.js';
import { ClosedOutputError, explain, outputIsTerminal, writeBytes, writeOut } from './terminal.js';

/** Where a command writes what it makes. */
export interface OutputFile {
  /** Whether it is standard output, so that nothing else may be written there. */
  readonly isStandardOutput: boolean;
  /** What to begin the names of temporary files with, so that they lie beside it; `undefined` where it lies nowhere. */
  readonly beside: string | undefined;
  /** Writes bytes behind those before. They may be used again when it is done. */
  write(bytes: Uint8Array): Promise<void>;
  /** Says that all has been written: from now on the output is there under its name. */
  finish(): Promise<void>;
  /**
   * Says that what has been written so far is all there will be, cut off behind so many bytes, and gives it a name that says so.
   *
   * @returns the name; `undefined` where nothing is to be kept: of no bytes, or because the bytes have gone somewhere already
   */
  keep(length: number): Promise<string | undefined>;
  /** Gives up: nothing is left that could be taken for the whole output, as far as it can be taken back. Never rejects. */
  abandon(): Promise<void>;
}

/** What may be done to what is there already. */
export interface OutputOptions {
  /** Replace a file. Default: it is an error. */
  readonly force?: boolean | undefined;
  /** The input of the command, which the output must not be. */
  readonly input?: string | undefined;
}

/** Paths of what the process has open. */
const OPEN_FILES = /^\/(dev\/fd|proc\/(self|\d+)\/fd|dev\/std(out|err))(\/|$)/;

/**
 * Opens an output: standard output for `-` or another name of it, else a file. A file gets its name only when it is finished: until
 * then it lies beside it under another one, and is gone when the command fails or is stopped. What is there already and is no ordinary
 * file (a device, a named pipe), and what the shell has opened (`>(command)`), is written to as it is.
 *
 * @throws Error when it cannot be opened, is there already, or is the input; writing and finishing throw when they fail, and say which
 * output it was
 */
export async function openOutput(path: string, options: OutputOptions = {}): Promise<OutputFile> {
  const before = path === '-' ? undefined : await identify(path);
  const input = options.input === undefined ? undefined : await inputIdentity(options.input);
  if (path === '-' || isStandardOutput(before)) {
    if (input?.isFile() === true && isSame(input, openFile(1))) throw refused('standard output is the input');
    return standardOutput();
  }
  // Files only: two names of a terminal or of /dev/null do no harm.
  if (before?.isFile() === true && isSame(before, input)) throw refused(`${path} is the input`);
  try {
    if (OPEN_FILES.test(path) || (before !== undefined && !before.isFile())) return await directFile(path);
  } catch (error) {
    throw cannotWrite(path, error);
  }
  if (before !== undefined && options.force !== true) throw isThere(path);
  try {
    const target = await realpath(path).catch(() => path);
    return await newFile(path, target, before, options.force === true);
  } catch (error) {
    throw cannotWrite(path, error);
  }
}

/**
 * Opens a file for what an output is made of, beside it; its name is only what {@link OutputFile.keep} begins with.
 *
 * @throws Error when it cannot be opened
 */
export async function openStage(output: OutputFile, path: string): Promise<OutputFile> {
  const target =
    output.beside === undefined ? join(tmpdir(), basename(path)) : join(dirname(output.beside), basename(path));
  try {
    return await newFile(path, target, undefined, false);
  } catch (error) {
    throw cannotWrite(path, error);
  }
}

/** Says what has been made: on standard output, or where that is the output, on standard error. */
export async function reportMade(output: OutputFile, text: string): Promise<void> {
  if (output.isStandardOutput) explain(text);
  else await writeOut(`${text}\n`);
}

async function identify(path: string): Promise<BigIntStats | undefined> {
  return stat(path, { bigint: true }).catch(() => undefined);
}

async function inputIdentity(input: string): Promise<BigIntStats | undefined> {
  return input === '-' ? openFile(0) : identify(input);
}

/** What a file descriptor is. */
function openFile(descriptor: number): BigIntStats | undefined {
  try {
    return fstatSync(descriptor, { bigint: true });
  } catch {
    return undefined;
  }
}

function isSame(one: BigIntStats | undefined, other: BigIntStats | undefined): boolean {
  // Where a file system has no such numbers they are 0.
  return one !== undefined && other !== undefined && one.ino !== 0n && one.ino === other.ino && one.dev === other.dev;
}

/** Whether a path is standard output by another name. A device like /dev/null may be both without being shared. */
function isStandardOutput(file: BigIntStats | undefined): boolean {
  return isSame(file, openFile(1)) && (file?.isCharacterDevice() !== true || outputIsTerminal());
}

/** The name for what was kept of an output that could not be finished: `cam.incomplete.mkv`. */
function incompleteName(target: string, count: number): string {
  const suffix = count === 0 ? 'incomplete' : `incomplete-${count}`;
  const [, stem, extension] = /^(.*?)(\.[^./\\]*)?$/s.exec(target) ?? [];
  return `${stem}.${suffix}${extension ?? ''}`;
}

async function newFile(
  path: string,
  target: string,
  before: BigIntStats | undefined,
  force: boolean,
): Promise<OutputFile> {
  const unfinished = `${target}.${process.pid}.part`;
  const file = await open(unfinished, 'wx');
  const forget = removeWhenKilled(unfinished);
  return {
    isStandardOutput: false,
    beside: target,
    write: (bytes) => writeAll(path, file, bytes),
    finish: async () => {
      try {
        if (before !== undefined) await file.chmod(Number(before.mode) & 0o7777);
        // A disk that is full may say so only now.
        await file.sync();
        await file.close();
        if (force) await rename(unfinished, target);
        else await giveName(unfinished, target);
      } catch (error) {
        throw hasCode(error, 'EEXIST') ? isThere(path) : cannotWrite(path, error);
      }
      forget();
    },
    keep: async (length) => {
      if (length === 0) return undefined;
      await truncate(unfinished, length);
      // What does not reach the disk was told by the write that failed, and is cut off.
      await file.sync().catch(() => {});
      await file.close();
      for (let count = 0; ; count++) {
        const name = incompleteName(target, count);
        try {
          await giveName(unfinished, name);
        } catch (error) {
          if (hasCode(error, 'EEXIST') && count < 1000) continue;
          throw cannotWrite(name, error);
        }
        forget();
        return name;
      }
    },
    abandon: async () => {
      await file.close().catch(() => {});
      await rm(unfinished, { force: true }).catch(() => {});
      forget();
    },
  };
}

/** Gives a file a name that no other has. */
async function giveName(path: string, name: string): Promise<void> {
  try {
    // Unlike rename(), this never replaces what has come to be there meanwhile.
    await link(path, name);
  } catch (error) {
    if (hasCode(error, 'EEXIST')) throw error;
    // Some file systems have no links.
    if ((await identify(name)) !== undefined) throw Object.assign(new Error('it already exists'), { code: 'EEXIST' });
    await rename(path, name);
    return;
  }
  await rm(path, { force: true });
}

async function directFile(path: string): Promise<OutputFile> {
  // A named pipe is open only when someone reads it.
  const file = await interruptible(blocking(open(path, 'w')));
  if (isatty(file.fd)) {
    await file.close();
    throw new Error('it is a terminal, and the output is not text');
  }
  return {
    isStandardOutput: false,
    beside: undefined,
    write: (bytes) => interruptible(blocking(writeAll(path, file, bytes))),
    finish: async () => {
      await file.close().catch((error: unknown) => {
        throw cannotWrite(path, error);
      });
    },
    keep: async () => undefined,
    abandon: async () => {
      // A write that nobody takes holds the file.
      void file.close().catch(() => {});
    },
  };
}

async function writeAll(path: string, file: FileHandle, bytes: Uint8Array): Promise<void> {
  try {
    for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten;
  } catch (error) {
    if (hasCode(error, 'EPIPE')) throw new ClosedOutputError(`${path} has no reader any more`);
    throw cannotWrite(path, error);
  }
}

function standardOutput(): OutputFile {
  if (outputIsTerminal())
    throw new UsageError('standard output is a terminal, and the output is not text: name a file');
  return {
    isStandardOutput: true,
    beside: undefined,
    write: writeBytes,
    finish: async () => {},
    keep: async () => undefined,
    abandon: async () => {},
  };
}
