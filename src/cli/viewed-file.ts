import { randomUUID } from 'node:crypto';
import { type FileHandle, open, rm, stat } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { rangeOf } from '../hls/respond.js';
import { describeForeign, FOREIGN_HEAD_SIZE } from '../mkv/foreign.js';
import { SelfContainedError } from './command.js';
import { openInput } from './input.js';
import { Progress } from './progress.js';
import { reasonOf } from './system-error.js';

/** So many bytes are read at once. */
const PIECE = 256 * 1024;

/** A file that is open, to be read in any order. */
export interface ViewedFile {
  /** What to call it. */
  readonly name: string;
  readonly size: number;
  readonly handle: FileHandle;
}

/** Opens a file. Standard input, and what else can be read only once, goes into a temporary file first, which is gone with the process. */
export async function openViewedFile(path: string): Promise<ViewedFile> {
  const facts = await stat(path).catch(() => undefined);
  if (facts?.isFile() === true) {
    const handle = await open(path).catch((error: unknown) => {
      throw new SelfContainedError(`${path}: ${reasonOf(error)}`, { cause: error });
    });
    await expectMatroska(path, handle);
    return { name: basename(path), size: facts.size, handle };
  }
  const input = openInput(path);
  const copy = join(tmpdir(), `kvs-view-${randomUUID()}`);
  const handle = await open(copy, 'wx+', 0o600);
  // A file without a name lasts as long as it is open; where a system has no such thing it stays in the folder of temporary files.
  await rm(copy).catch(() => {});
  const progress = await Progress.through(path, true);
  let size = 0;
  try {
    for await (const chunk of progress.watch(input)) {
      for (let at = 0; at < chunk.length; ) at += (await handle.write(chunk, at)).bytesWritten;
      size += chunk.length;
    }
  } catch (error) {
    await handle.close();
    const text = error instanceof Error ? error.message : String(error);
    throw new SelfContainedError(`${path}: ${text}`, { cause: error });
  } finally {
    progress.end();
  }
  await expectMatroska(path, handle);
  return { name: path === '-' ? 'standard input' : nameOfUrl(path), size, handle };
}

/** @throws Error when the file is empty, or begins as another format does */
async function expectMatroska(path: string, handle: FileHandle): Promise<void> {
  const { buffer, bytesRead } = await handle.read(new Uint8Array(FOREIGN_HEAD_SIZE), 0, FOREIGN_HEAD_SIZE, 0);
  const foreign = describeForeign(buffer.subarray(0, bytesRead));
  if (bytesRead > 0 && foreign === undefined) return;
  await handle.close();
  const what = foreign === undefined ? 'the input is empty' : `this is ${foreign}, not Matroska`;
  throw new SelfContainedError(`${path}: ${what}`);
}

function nameOfUrl(path: string): string {
  return basename(URL.canParse(path) ? new URL(path).pathname : path) || path;
}

/** Sends a file, or the part of it that is asked for. */
export function sendFile(
  { handle, size }: ViewedFile,
  method: string | undefined,
  range: string | undefined,
  response: ServerResponse,
): void {
  const wanted = rangeOf(range ?? null, size);
  response.setHeader('accept-ranges', 'bytes');
  response.setHeader('content-type', 'application/octet-stream');
  if (wanted === 'none') {
    response.writeHead(416, { 'content-range': `bytes */${size}`, 'content-length': 0 }).end();
    return;
  }
  const { start, end } = wanted ?? { start: 0, end: size };
  const headers = { 'content-length': end - start };
  if (wanted === undefined) response.writeHead(200, headers);
  else response.writeHead(206, { ...headers, 'content-range': `bytes ${start}-${end - 1}/${size}` });
  if (method === 'HEAD' || start === end) {
    response.end();
    return;
  }
  // A file that has become shorter ends the answer before its length; a page that goes ends the reading.
  void pipeline(readPart(handle, start, end), response).catch(() => response.destroy());
}

/** The bytes of a file from `start` to `end`. A stream of the handle's own would close it. */
async function* readPart(handle: FileHandle, start: number, end: number): AsyncGenerator<Uint8Array, void> {
  for (let at = start; at < end; ) {
    const { buffer, bytesRead } = await handle.read(new Uint8Array(Math.min(PIECE, end - at)), 0, undefined, at);
    if (bytesRead === 0) throw new Error('the file has become shorter');
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}
