import { linkedController } from './abort.js';
import type { StreamIdentity } from './access.js';
import { sleep, systemClock } from './clock.js';
import { type PlaybackAccess, PlaybackCalls, type PlaybackClient } from './playback-client.js';
import { loadArchivedMedia } from './sdk-archived-media.js';
import type { GetDASHStreamingSessionURLCommandInput, GetHLSStreamingSessionURLCommandInput } from './sdk-types.js';

/** A streaming session of the service. */
export interface StreamingUrl {
  /** What players open. */
  readonly url: string;
  /** From when on nothing of the session works any more. */
  readonly expiresAt: Date;
}

/** Options of a session, besides what it plays. */
export interface SessionSettings extends PlaybackAccess {
  /** How long it lasts, in seconds, 300 to 43,200. Default 300. */
  readonly expiresInSeconds?: number | undefined;
  /**
   * Is given another session before each one expires, until `signal` is aborted; a player continues with its URL. Without it there is one
   * session.
   */
  readonly onRenew?: ((session: StreamingUrl) => void) | undefined;
  /** Called when no other session could be opened: the service reports an error that a retry does not solve. */
  readonly onRenewalFailure?: ((error: unknown) => void) | undefined;
}

/** What of a request is said otherwise. */
type Said = 'StreamName' | 'StreamARN' | 'Expires';

/** Which stream, and in `session` what GetHLSStreamingSessionURL is asked for: the request of the AWS SDK without stream and expiry. */
export type HlsUrlOptions = StreamIdentity &
  SessionSettings & { readonly session?: Omit<GetHLSStreamingSessionURLCommandInput, Said> | undefined };

/** Which stream, and in `session` what GetDASHStreamingSessionURL is asked for: the request of the AWS SDK without stream and expiry. */
export type DashUrlOptions = StreamIdentity &
  SessionSettings & { readonly session?: Omit<GetDASHStreamingSessionURLCommandInput, Said> | undefined };

const DEFAULT_SECONDS = 300;
/** How long before a session expires another one is opened, in milliseconds. */
const AHEAD_MS = 60_000;
/** What the service allows. */
const CALLS_PER_SECOND = 25;

/**
 * Opens an HLS session of the service: asks for the stream's endpoint, then for the session.
 *
 * ```ts
 * const { url } = await hlsUrl({ streamName: 'door', session: { PlaybackMode: 'LIVE' } });
 * ```
 *
 * @throws KinesisVideoError when the service reports an error that a retry does not solve (`ResourceNotFoundException`: nothing to play);
 * the signal's reason when it is aborted
 */
export async function hlsUrl(options: HlsUrlOptions): Promise<StreamingUrl> {
  const calls = new PlaybackCalls(
    options,
    'GetHLSStreamingSessionURL',
    'GET_HLS_STREAMING_SESSION_URL',
    CALLS_PER_SECOND,
  );
  return open(calls, options, async (client, stream, abortSignal) => {
    const { GetHLSStreamingSessionURLCommand } = await loadArchivedMedia();
    const command = new GetHLSStreamingSessionURLCommand({ ...options.session, ...stream });
    return (await client.send(command, { abortSignal })).HLSStreamingSessionURL;
  });
}

/** Opens a DASH session of the service. It works like {@link hlsUrl}. */
export async function dashUrl(options: DashUrlOptions): Promise<StreamingUrl> {
  const calls = new PlaybackCalls(
    options,
    'GetDASHStreamingSessionURL',
    'GET_DASH_STREAMING_SESSION_URL',
    CALLS_PER_SECOND,
  );
  return open(calls, options, async (client, stream, abortSignal) => {
    const { GetDASHStreamingSessionURLCommand } = await loadArchivedMedia();
    const command = new GetDASHStreamingSessionURLCommand({ ...options.session, ...stream });
    return (await client.send(command, { abortSignal })).DASHStreamingSessionURL;
  });
}

interface Stream {
  readonly StreamName: string | undefined;
  readonly StreamARN: string | undefined;
  readonly Expires: number;
}

type Send = (client: PlaybackClient, stream: Stream, abortSignal: AbortSignal) => Promise<string | undefined>;

async function open(
  calls: PlaybackCalls,
  options: StreamIdentity & SessionSettings,
  send: Send,
): Promise<StreamingUrl> {
  const { streamName, streamARN, expiresInSeconds = DEFAULT_SECONDS, onRenew, onRenewalFailure } = options;
  const stream = { StreamName: streamName, StreamARN: streamARN, Expires: expiresInSeconds };
  const { controller, unlink } = linkedController(options.signal);
  const { signal } = controller;
  const close = () => {
    unlink();
    calls.close();
  };
  const ask = async (): Promise<StreamingUrl> => {
    const asked = Date.now();
    const { url } = await calls.call(signal, async (client, abortSignal) => {
      const answer = await send(client, stream, abortSignal);
      if (answer === undefined) throw new Error('the answer names no URL');
      return { url: answer };
    });
    return { url, expiresAt: new Date(asked + expiresInSeconds * 1000) };
  };
  const renew = async () => {
    const { clock = systemClock } = options;
    try {
      for (;;) {
        await sleep(clock, expiresInSeconds * 1000 - AHEAD_MS, signal);
        onRenew?.(await ask());
      }
    } catch (error) {
      if (!signal.aborted) onRenewalFailure?.(error);
    } finally {
      close();
    }
  };
  try {
    const session = await ask();
    if (onRenew === undefined) close();
    else void renew();
    return session;
  } catch (error) {
    close();
    throw error;
  }
}
