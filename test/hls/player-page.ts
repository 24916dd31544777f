import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { expect } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import { Packager, type PackagerOptions, type PlaybackHandler } from '../../src/hls/index.js';
import { toNodeListener } from '../../src/hls/node.js';
import { remuxToMp4 } from '../../src/mp4/index.js';
import { type BrowserSession, openBrowser } from '../support/browser.js';
import type { WrappedFragment } from '../support/kvs-media.js';

export const PLAYERS = ['hls.js', 'dash.js', 'shaka'] as const;
export type Player = (typeof PLAYERS)[number];

/** How a player is doing. */
export interface Look {
  readonly now: number;
  /** How many seconds of a file that just plays have been played meanwhile. */
  readonly reference: number;
  /** Milliseconds since 1970. */
  readonly wall: number;
  readonly time: number;
  readonly ended: boolean;
  readonly duration: number;
  readonly start: number;
  readonly size: readonly [number, number];
  readonly ready: number;
  readonly errors: readonly string[];
  readonly date: number | undefined;
  readonly latency: number | undefined;
  readonly frames: number;
}

interface Page {
  start(id: string, kind: Player, url: string): void;
  look(id: string): Look;
  seek(id: string, time: number): Promise<{ mediaTime: number | undefined; pixels: number[] }>;
  stop(id: string): Promise<void>;
}

/** What `fixtures/players.js` puts into the page: it is there where the functions that are passed to `evaluate` run. */
declare const page: Page;

/** A page in Chromium that plays what packagers at a server beside it have, in as many videos at once as are asked for. */
export class PlayerPage {
  readonly #handlers = new Map<string, PlaybackHandler>();
  readonly #packagers: Packager[] = [];
  readonly #server: Server;
  readonly #session: BrowserSession;
  readonly #origin: string;
  #count = 0;

  private constructor(server: Server, session: BrowserSession, handlers: Map<string, PlaybackHandler>) {
    const address = server.address();
    this.#server = server;
    this.#session = session;
    this.#handlers = handlers;
    this.#origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  }

  static async open(): Promise<PlayerPage> {
    const handlers = new Map<string, PlaybackHandler>();
    const server = createServer((request, response) => {
      const [, name = ''] = (request.url ?? '').split('/');
      const handler = handlers.get(name);
      if (handler === undefined) response.writeHead(404).end();
      else toNodeListener(handler)(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const script = (path: string) => ({ type: 'text/javascript', body: readFileSync(path) });
    const pieces: Uint8Array[] = [];
    await remuxToMp4(readFileSync('examples/recording/camera.mkv'), (bytes) => void pieces.push(bytes));
    const session = await openBrowser({
      '/reference.mp4': { type: 'video/mp4', body: concatBytes(pieces) },
      '/': {
        type: 'text/html',
        body: `<!doctype html><body>${['hls', 'dash', 'shaka', 'players'].map((name) => `<script src="/${name}.js"></script>`).join('')}`,
      },
      '/hls.js': script('node_modules/hls.js/dist/hls.min.js'),
      '/dash.js': script('node_modules/dashjs/dist/modern/umd/dash.all.min.js'),
      '/shaka.js': script('node_modules/shaka-player/dist/shaka-player.compiled.js'),
      '/players.js': script('test/hls/fixtures/players.js'),
    });
    return new PlayerPage(server, session, handlers);
  }

  async close(): Promise<void> {
    await this.#session.close();
    for (const packager of this.#packagers) packager.close();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Serves a packager at a path of its own. */
  packagerAt(name: string, options: PackagerOptions): Packager {
    const packager = new Packager({ ...options, basePath: `/${name}`, displayFragmentTimestamp: 'ALWAYS' });
    this.#packagers.push(packager);
    this.handleAt(name, packager.handler);
    return packager;
  }

  /** Has a handler answer at a path of its own. */
  handleAt(name: string, handler: PlaybackHandler): void {
    this.#handlers.set(name, handler);
  }

  /** Opens what a packager has in a player: HLS in hls.js, DASH in the others, or the file that is named. */
  play(name: string, kind: Player, file = kind === 'hls.js' ? 'main.m3u8' : 'manifest.mpd'): Promise<Playing> {
    return this.playUrl(name, kind, `${this.#origin}/${name}/${file}`);
  }

  /** Opens an address in a player. */
  async playUrl(name: string, kind: Player, url: string): Promise<Playing> {
    const id = `${name} ${kind} ${this.#count++}`;
    await this.#session.page.evaluate(([each, player, at]) => page.start(each, player, at), [id, kind, url] as const);
    return new Playing(id, this.#session);
  }
}

/** A stream in a player. */
export class Playing {
  readonly id: string;
  readonly #session: BrowserSession;

  constructor(id: string, session: BrowserSession) {
    this.id = id;
    this.#session = session;
  }

  look(): Promise<Look> {
    return this.#session.page.evaluate((each) => page.look(each), this.id);
  }

  /** Pauses and seeks: the time of the picture that is shown then, and the picture. */
  seek(time: number): Promise<{ mediaTime: number | undefined; pixels: number[] }> {
    return this.#session.page.evaluate(([each, to]) => page.seek(each, to), [this.id, time] as const);
  }

  stop(): Promise<void> {
    return this.#session.page.evaluate((each) => page.stop(each), this.id);
  }

  /** Looks until it is so. */
  async until(isSo: (look: Look) => boolean, ms = 40_000): Promise<Look> {
    const began = Date.now();
    for (;;) {
      const look = await this.look();
      if (isSo(look)) return look;
      if (Date.now() - began > ms) throw new Error(`${this.id}: ${JSON.stringify(look)}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  /** Waits until it plays. Players look for their distance to the end of a live stream first. */
  begun(seconds = 0.2): Promise<Look> {
    return this.until(({ ready, time, start }) => ready >= 3 && time > start + seconds);
  }

  /** That the video goes on for so many seconds as fast as a file does, which is by the clock, without errors but those told before. */
  async expectPlaying(seconds: number, told = 0): Promise<void> {
    const from = await this.begun();
    const to = await this.until(({ now }) => now - from.now > seconds * 1000);
    const ratio = (to.time - from.time) / (to.reference - from.reference);
    const errors = to.errors.slice(told).filter((error) => !isShortOfMedia(error));
    expect([this.id, ratio > 0.85 && ratio < 1.25, ratio, errors]).toEqual([this.id, true, ratio, []]);
  }
}

/** Whether an error of hls.js is that it waits for media, which is none but where it ends playing. */
export function isShortOfMedia(error: string): boolean {
  return /^buffer(Stalled|SeekOverHole|Nudge)/.test(error);
}

/** Runs all, and gives what they failed with. */
export async function failuresOf(runs: readonly Promise<void>[]): Promise<string[]> {
  const results = await Promise.allSettled(runs);
  return results.flatMap((result) => {
    if (result.status === 'fulfilled') return [];
    const { reason } = result;
    return [reason instanceof Error && 'actual' in reason ? JSON.stringify(reason.actual) : String(reason)];
  });
}

/** How much of a live stream is there when viewers come, in milliseconds. */
export const AHEAD = 8000;

/** Some fragments, and how long nothing comes before them, in milliseconds. */
export interface LivePart {
  readonly fragments: readonly WrappedFragment[];
  /** How long all of them last, in microseconds. */
  readonly lasts: number;
  readonly pause?: number;
}

/** Fragments as a camera sends them: frame by frame, in the time that they last. What came before the viewers is there already. */
export async function* inTime(
  parts: Iterable<LivePart>,
  signal: AbortSignal,
  began = performance.now() - AHEAD,
): AsyncGenerator<Uint8Array, void> {
  let due = began;
  for (const { fragments, lasts, pause = 0 } of parts) {
    due += pause;
    for (const [index, { bytes, frames }] of fragments.entries()) {
      const start = Math.min(...frames.map(({ timestamp }) => timestamp));
      const next = fragments[index + 1];
      const end = next === undefined ? lasts : Math.min(...next.frames.map(({ timestamp }) => timestamp));
      const size = frames.reduce((sum, frame) => sum + frame.size, 0);
      let sent = 0;
      let at = 0;
      for (const [count, frame] of frames.entries()) {
        at += frame.size;
        const time = due + ((end - start) * (count + 1)) / frames.length / 1000;
        const wait = time - performance.now();
        if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
        if (signal.aborted) return;
        const to = count === frames.length - 1 ? bytes.length : Math.floor((bytes.length * at) / size);
        yield bytes.subarray(sent, to);
        sent = to;
      }
      due += (end - start) / 1000;
    }
  }
}
