import { rmSync } from 'node:fs';
import { type FileHandle, open, realpath, rename, rm, stat } from 'node:fs/promises';

/** Where a command writes what it makes. */
export interface OutputFile {
  /** Writes bytes behind those before. They may be used again when it is done. */
  write(bytes: Uint8Array): Promise<void>;
  /** Says that all has been written: from now on the output is there under its name. */
  finish(): Promise<void>;
  /** Gives up: nothing is left that could be taken for the whole output, as far as it can be taken back. Never rejects. */
  abandon(): Promise<void>;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Opens an output: standard output for `-`, else a file. A file gets its name only when it is finished: until then it lies beside it
 * under another one, and is gone when the command fails or is stopped. What is there already and is no ordinary file (a device, a
 * named pipe) is written to as it is.
 *
 * @param onInterrupt is called in place of giving up when the command is told to stop, for one that then finishes what it has
 * @throws Error when it cannot be opened; writing and finishing throw when they fail, and say which output it was
 */
export async function openOutput(path: string, onInterrupt?: () => void): Promise<OutputFile> {
  if (path === '-') return standardOutput();
  try {
    const target = await realpath(path).catch(() => path);
    const before = await stat(target).catch(() => undefined);
    if (before !== undefined && !before.isFile()) return await directFile(path, await open(target, 'w'));
    return await newFile(path, target, before?.mode, onInterrupt);
  } catch (error) {
    throw cannotWrite(path, error);
  }
}

async function newFile(
  path: string,
  target: string,
  mode: number | undefined,
  onInterrupt: (() => void) | undefined,
): Promise<OutputFile> {
  const unfinished = `${target}.${process.pid}.part`;
  const file = await open(unfinished, 'wx');
  let interrupted = false;
  const onSignal = (signal: NodeJS.Signals) => {
    // Told a second time, it does not want to wait.
    if (onInterrupt !== undefined && !interrupted) {
      interrupted = true;
      onInterrupt();
      return;
    }
    rmSync(unfinished, { force: true });
    forget();
    process.kill(process.pid, signal);
  };
  const forget = () => {
    for (const signal of SIGNALS) process.off(signal, onSignal);
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return {
    write: (bytes) => writeAll(path, file, bytes),
    finish: async () => {
      try {
        if (mode !== undefined) await file.chmod(mode & 0o7777);
        // A disk that is full may say so only now.
        await file.sync();
        await file.close();
        await rename(unfinished, target);
      } catch (error) {
        throw cannotWrite(path, error);
      }
      forget();
    },
    abandon: async () => {
      await file.close().catch(() => {});
      await rm(unfinished, { force: true }).catch(() => {});
      forget();
    },
  };
}

async function directFile(path: string, file: FileHandle): Promise<OutputFile> {
  return {
    write: (bytes) => writeAll(path, file, bytes),
    finish: async () => {
      await file.close().catch((error: unknown) => {
        throw cannotWrite(path, error);
      });
    },
    abandon: async () => {
      await file.close().catch(() => {});
    },
  };
}

async function writeAll(path: string, file: FileHandle, bytes: Uint8Array): Promise<void> {
  try {
    for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten;
  } catch (error) {
    throw cannotWrite(path, error);
  }
}

function standardOutput(): OutputFile {
  // The callback of the write has the error; without a listener the event would end the process.
  const ignore = () => {};
  process.stdout.on('error', ignore);
  const close = async () => {
    process.stdout.off('error', ignore);
  };
  return {
    write: (bytes) =>
      new Promise((resolve, reject) => {
        process.stdout.write(bytes, (error) => {
          if (error) reject(cannotWrite('standard output', error));
          else resolve();
        });
      }),
    finish: close,
    // The event comes after the callback, so the listener stays.
    abandon: async () => {},
  };
}

function cannotWrite(path: string, error: unknown): Error {
  const text = error instanceof Error ? error.message : String(error);
  return new Error(`cannot write ${path}: ${text}`, { cause: error });
}
