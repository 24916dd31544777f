import { createServer, type Server } from 'node:http';
import { Parser } from 'm3u8-parser';
import { onTestFinished } from 'vitest';
import type { ArchivedFragment, FragmentArchive, PlaybackHandler } from '../../src/hls/index.js';
import { toNodeListener } from '../../src/hls/node.js';
import { readDocuments, readFragments } from '../../src/index.js';

/** What a handler answers, with the body as text and as bytes. */
export interface Got {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly bytes: Uint8Array;
}

/** Asks a handler. */
export async function get(handler: PlaybackHandler, path: string, init?: RequestInit): Promise<Got> {
  const response = await handler(new Request(`http://localhost/${path}`, init));
  const bytes = new Uint8Array(await response.arrayBuffer());
  return { status: response.status, headers: response.headers, text: new TextDecoder().decode(bytes), bytes };
}

/** A playlist by a parser that has no warnings. */
export function parsePlaylist(text: string): Parser['manifest'] {
  const parser = new Parser();
  const warnings: string[] = [];
  parser.on('warn', ({ message }) => warnings.push(message));
  parser.push(text);
  parser.end();
  if (warnings.length > 0) throw new Error(`${warnings.join('\n')} in\n${text}`);
  return parser.manifest;
}

/** The media playlist of a track. */
export async function mediaPlaylist(handler: PlaybackHandler, track: string, query = '') {
  const { status, text } = await get(handler, `${track}/media.m3u8${query}`);
  if (status !== 200) throw new Error(`${status}: ${text}`);
  return parsePlaylist(text);
}

/** Serves a handler on loopback until the test is over. */
export async function serve(handler: PlaybackHandler): Promise<string> {
  const server: Server = createServer(toNodeListener(handler));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return `http://127.0.0.1:${address.port}`;
}

/** A byte stream that is fed by hand. */
export class Feed implements AsyncIterable<Uint8Array> {
  readonly #chunks: Uint8Array[] = [];
  #wake: (() => void) | undefined;
  #ended = false;

  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) yield chunk;
      else if (this.#ended) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

/** The fragments of a stream as an archive that counts what is read of it. */
export async function archiveOf(bytes: Uint8Array): Promise<FragmentArchive & { readonly reads: string[] }> {
  const fragments: (ArchivedFragment & { readonly document: Uint8Array })[] = [];
  for await (const document of readDocuments(bytes)) {
    for await (const { metadata, frames, tracks } of readFragments(document.bytes)) {
      const times = frames.map(({ timestamp, duration = 40_000 }) => timestamp + duration);
      const begin = frames.reduce((least, { timestamp }) => Math.min(least, timestamp), Number.POSITIVE_INFINITY);
      fragments.push({
        fragmentNumber: metadata?.fragmentNumber ?? '',
        producerTimestamp: metadata?.producerTimestamp ?? new Date(0),
        serverTimestamp: metadata?.serverTimestamp ?? new Date(0),
        fragmentLengthInMilliseconds: Math.round((Math.max(...times) - begin) / 1000),
        fragmentSizeInBytes: document.bytes.length,
        configuration: tracks.map(({ codecPrivate }) => Buffer.from(codecPrivate ?? []).toString('hex')).join(),
        document: document.bytes,
      });
    }
  }
  const reads: string[] = [];
  return {
    reads,
    list: () => fragments,
    read({ fragmentNumber }) {
      reads.push(fragmentNumber);
      const found = fragments.find((fragment) => fragment.fragmentNumber === fragmentNumber);
      if (found === undefined) throw new Error(`no fragment ${fragmentNumber}`);
      return found.document;
    },
  };
}
