import type { Bytes } from '../ebml/bytes.js';
import { type Asked, askedBy, type Query, readAddress } from './asked.js';
import { isThere, isTooFar, readDirectives } from './directives.js';
import { writeManifest } from './manifest.js';
import { targetDuration, writeMediaPlaylist } from './media-playlist.js';
import { writeMultivariantPlaylist } from './multivariant-playlist.js';
import type { Playback } from './options.js';
import type { Presentation, Viewer } from './presentation.js';
import { type Answer, ContentType, Replier, type Reply, type ResponseClass, refusal, toResponse } from './respond.js';
import type { MediaSource } from './segment.js';
import { ToldFragments } from './told-fragments.js';
import type { TrackWindow } from './track-window.js';

/** Answers a request. If `Response` is given, that class creates the response, instead of the platform's. Never rejects. */
export type PlaybackHandler = (request: Request, Response?: ResponseClass) => Promise<Response>;

/** What a handler is made with. */
export interface HandlerSettings {
  readonly presentation: Presentation;
  readonly playback: Playback;
  /** What stands before the paths, without a slash at the end. */
  readonly basePath: string;
  readonly allowOrigin: string | undefined;
  /** How long a request waits for the first media, in milliseconds. */
  readonly startTimeoutMs: number;
  /** Begins what has to be begun by the first request. */
  readonly prepare?: (() => Promise<void>) | undefined;
  /** Why there is no manifest for DASH; `undefined` where there is one. */
  readonly noManifest?: (() => string | undefined) | undefined;
}

const NO_QUERY: Query = new URLSearchParams();
/** The longest address that is looked at. */
const LONGEST_URL = 4096;
/** How long media may be kept, in seconds: in a live stream it is gone soon, and its address may come to mean other media. */
const MEDIA_AGE = { LIVE: 60, LIVE_REPLAY: 60, ON_DEMAND: 3600 } as const;

/** What is behind a handler: the same for requests of any kind. Never rejects. */
export type Replies = (asked: Asked) => Promise<Reply>;

const behind = new WeakMap<PlaybackHandler, Replies>();

/** What is behind a handler that {@link playbackHandler} made; `undefined` for others, also those that call one. */
export function repliesOf(handler: PlaybackHandler): Replies | undefined {
  return behind.get(handler);
}

/**
 * The paths below `basePath`: `main.m3u8`, `manifest.mpd`, and for each track `NAME/media.m3u8`, `NAME/init-N.mp4`, `NAME/N.m4s` and,
 * of a part, `NAME/N.N.m4s`.
 */
export function playbackHandler(settings: HandlerSettings): PlaybackHandler {
  const answerer = new Answerer(settings);
  const replier = new Replier(settings.allowOrigin);
  const replies: Replies = async (asked) =>
    asked.method === 'OPTIONS' ? replier.preflight() : replier.reply(asked, await answerer.answer(asked));
  const handler: PlaybackHandler = async (request, given) => {
    // Deno and Bun call a handler with something else behind the request.
    const Response = typeof given === 'function' ? given : undefined;
    return toResponse(await replies(askedBy(request)), Response);
  };
  behind.set(handler, replies);
  return handler;
}

/** A playlist as it was written last, and the answers with it, by how long they may be kept. */
interface Written {
  /** What it was written from. */
  readonly state: string;
  readonly body: Bytes;
  readonly answers: Map<string, Answer>;
}

const FILE =
  /^(?:([a-z]+-\d{1,15})\/)?(main\.m3u8|manifest\.mpd|media\.m3u8|init-\d{1,15}\.mp4|\d{1,15}(?:\.\d{1,15})?\.m4s)$/;

class Answerer {
  readonly #settings: HandlerSettings;
  /** By what they are: viewers by the hundred ask for the same. */
  readonly #written = new Map<string, Written>();
  readonly #answers = new WeakMap<Bytes, Answer>();
  readonly #told: ToldFragments;

  constructor(settings: HandlerSettings) {
    this.#settings = settings;
    this.#told = new ToldFragments(settings.presentation);
  }

  async answer(asked: Asked): Promise<Answer> {
    const { method, url } = asked;
    if (method !== 'GET' && method !== 'HEAD') {
      return refusal(405, `${method} is not answered here`, { allow: 'GET, HEAD, OPTIONS' });
    }
    if (url.length > LONGEST_URL) return refusal(414, 'the address is too long');
    const { path, query } = readAddress(url) ?? { path: '', query: NO_QUERY };
    const { basePath } = this.#settings;
    const [, name, file] = path.startsWith(`${basePath}/`) ? (FILE.exec(path.slice(basePath.length + 1)) ?? []) : [];
    const isOverview = file === 'main.m3u8' || file === 'manifest.mpd';
    if (file === undefined || isOverview !== (name === undefined)) {
      return refusal(404, 'there is nothing at this address');
    }
    try {
      const late = await this.#start(asked);
      if (late !== undefined) return late;
      return isOverview ? this.#overview(file) : await this.#ofTrack(name ?? '', file, query, asked);
    } catch (error) {
      return refusal(502, `the media cannot be had: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #ofTrack(name: string, file: string, query: Query, viewer: Viewer): Answer | Promise<Answer> {
    const track = this.#settings.presentation.tracks.get(name);
    if (track === undefined) return refusal(404, `there is no track ${name}`);
    if (file === 'media.m3u8') return this.#mediaPlaylist(track, query, viewer);
    const [first = '', second = ''] = file.match(/\d+(?=\.|$)/g) ?? [];
    if (file.startsWith('init')) return this.#init(track, Number(first));
    return file.split('.').length === 3
      ? this.#part(track, Number(first), Number(second), viewer)
      : this.#segment(track, Number(first));
  }

  /** Waits until there is something to play. */
  async #start(viewer: Viewer): Promise<Answer | undefined> {
    const { presentation, playback, startTimeoutMs, prepare } = this.#settings;
    await prepare?.();
    const isReady = () => presentation.ended || (presentation.fragments > 0 && playback.mode !== 'ON_DEMAND');
    if (!(await presentation.until(isReady, startTimeoutMs, viewer))) {
      return refusal(503, 'there is no media yet', { 'retry-after': '1' });
    }
    if (presentation.fragments > 0) return undefined;
    const { failure } = presentation;
    const why = failure instanceof Error ? `: ${failure.message}` : '';
    return refusal(404, `the stream ended without media that can be played${why}`);
  }

  #overview(file: string): Answer {
    const { presentation, playback, noManifest } = this.#settings;
    const isDash = file === 'manifest.mpd';
    const problem = isDash ? noManifest?.() : undefined;
    if (problem !== undefined) return refusal(404, problem);
    const type = isDash ? ContentType.manifest : ContentType.playlist;
    const cacheControl = this.#age(isDash ? 1 : 10);
    const write = () =>
      isDash ? writeManifest(presentation, playback, Date.now()) : writeMultivariantPlaylist(presentation, playback);
    // A manifest tells the time while more comes.
    if (isDash && !presentation.ended) return { status: 200, type, body: write(), cacheControl };
    return this.#write(file, { type, cacheControl }, write);
  }

  async #mediaPlaylist(track: TrackWindow, query: Query, viewer: Viewer): Promise<Answer> {
    const { presentation, playback } = this.#settings;
    const directives = readDirectives(query);
    if (typeof directives === 'string') return refusal(400, directives);
    if (playback.blocks && !presentation.ended && isTooFar(directives, track, playback)) {
      return refusal(400, `segment ${directives.sequence} is too far ahead of ${track.nextSequence}, the next one`);
    }
    const target = targetDuration(track);
    const isOver = () => !playback.blocks || isThere(directives, track, presentation);
    // Where it does not come in time, the camera pauses: players go on with the playlist as it is, and give up after a few errors.
    const isInTime = await presentation.until(isOver, target * 3000, viewer);
    const { skip, sequence } = directives;
    // What names its segment never changes its meaning; else the playlist is old after half of what a segment lasts.
    const age =
      playback.blocks && sequence !== undefined && isInTime
        ? target * 6
        : playback.partTarget === undefined
          ? Math.floor(target / 2)
          : 0;
    const isLive = playback.mode !== 'ON_DEMAND' && !presentation.ended && playback.partTarget === undefined;
    const fragments = isLive && sequence === undefined ? this.#told.ask(track) : presentation.fragments;
    const cacheControl = this.#age(Math.max(1, age));
    const write = () => writeMediaPlaylist(presentation, track, playback, { skip, fragments });
    return this.#write(`${track.name} ${skip}`, { type: ContentType.playlist, cacheControl }, write, fragments);
  }

  async #init(track: TrackWindow, id: number): Promise<Answer> {
    const init = track.inits.get(id);
    if (init === undefined)
      return refusal(404, `initialization segment ${id} of ${track.name} is gone, or has not been`);
    return this.#media(track, init.media);
  }

  async #segment(track: TrackWindow, sequence: number): Promise<Answer> {
    const segment = track.find(sequence);
    return segment === undefined ? missing(track, sequence) : this.#media(track, segment.media);
  }

  async #part(track: TrackWindow, sequence: number, index: number, viewer: Viewer): Promise<Answer> {
    const { presentation } = this.#settings;
    const find = () => (track.open?.sequence === sequence ? track.open : track.find(sequence));
    const isHinted =
      (track.open?.sequence === sequence && index === track.open.parts.length) ||
      (track.open === undefined && sequence === track.nextSequence && index === 0);
    if (isHinted && !presentation.ended) {
      const isOver = () => presentation.ended || find()?.parts[index] !== undefined || sequence < track.nextSequence;
      const over = await presentation.until(isOver, targetDuration(track) * 3000, viewer);
      if (!over) return refusal(503, 'the part has not come in time', { 'retry-after': '1' });
    }
    const part = find()?.parts[index];
    return part === undefined ? missing(track, sequence, index) : this.#media(track, part.bytes);
  }

  async #media({ description }: TrackWindow, media: MediaSource): Promise<Answer> {
    const body = typeof media === 'function' ? await media() : media;
    let answer = this.#answers.get(body);
    if (answer === undefined) {
      const age = MEDIA_AGE[this.#settings.playback.mode];
      answer = { status: 200, type: `${description.kind}/mp4`, body, cacheControl: `public, max-age=${age}` };
      this.#answers.set(body, answer);
    }
    return answer;
  }

  /** For how many seconds something may be kept that changes while more comes. */
  #age(seconds: number): string {
    const { presentation, playback } = this.#settings;
    if (playback.mode === 'ON_DEMAND') return `public, max-age=${MEDIA_AGE.ON_DEMAND}`;
    return `public, max-age=${presentation.ended ? MEDIA_AGE.LIVE : seconds}`;
  }

  #write(key: string, head: Pick<Answer, 'type' | 'cacheControl'>, write: () => string, fragments = 0): Answer {
    const state = `${this.#settings.presentation.version} ${fragments}`;
    let written = this.#written.get(key);
    if (written?.state !== state) {
      written = { state, body: new TextEncoder().encode(write()), answers: new Map() };
      this.#written.set(key, written);
    }
    const { cacheControl } = head;
    const { body, answers } = written;
    let answer = answers.get(cacheControl);
    if (answer === undefined) {
      answer = { status: 200, ...head, body };
      answers.set(cacheControl, answer);
    }
    return answer;
  }
}

function missing(track: TrackWindow, sequence: number, part?: number): Answer {
  const what = `${part === undefined ? 'segment' : `part ${part} of segment`} ${sequence} of ${track.name}`;
  const oldest = track.segments[0]?.sequence ?? track.nextSequence;
  if (sequence < oldest) return refusal(404, `${what} is gone: the oldest is ${oldest}`);
  if (sequence >= track.nextSequence)
    return refusal(404, `${what} is not there yet: the next is ${track.nextSequence}`);
  return refusal(404, `${what} is not there`);
}
