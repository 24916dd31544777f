/** @jsxImportSource react */
import type { ByteStream } from 'kvs-parser';
import { MsePlayer, type MsePlayerState } from 'kvs-parser/mp4';
import { type ReactElement, useEffect, useRef, useState } from 'react';

/** What a {@link LivePlayer} shows. */
export interface LivePlayerProps {
  /** Where a body as GetMedia sends it comes from, such as a relay of your server. */
  readonly url: string;
  /** How far playing may fall behind, in seconds. Default 5. */
  readonly maxDelay?: number;
  /** How long it waits before it connects again, in milliseconds. Default 2,000. */
  readonly retryDelayMs?: number;
  /** Is told why a connection has failed. */
  readonly onError?: (error: unknown) => void;
}

/** A live stream in a `<video>`. It connects again when the connection ends, and lets go of everything when it is unmounted. */
export function LivePlayer({ url, maxDelay = 5, retryDelayMs = 2_000, onError }: LivePlayerProps): ReactElement {
  const video = useRef<HTMLVideoElement>(null);
  const [state, setState] = useState<MsePlayerState>('idle');
  // The newest listener is called, and another one does not make another connection.
  const listener = useRef(onError);
  useEffect(() => {
    listener.current = onError;
  }, [onError]);

  useEffect(() => {
    const element = video.current;
    if (element === null) return;
    const unmounted = new AbortController();
    const { signal } = unmounted;
    const player = new MsePlayer(element, { maxDelay, recover: true });
    player.addEventListener('state', ({ detail }) => setState(detail.state), { signal });
    const run = async () => {
      while (!signal.aborted) {
        try {
          await player.play(await openStream(url, signal));
        } catch (error) {
          if (!signal.aborted) listener.current?.(error);
        }
        await new Promise((resolve) => setTimeout(resolve, retryDelayMs));
      }
    };
    void run();
    // StrictMode mounts, unmounts and mounts again: each effect has a player and a connection of its own, and ends both.
    return () => {
      unmounted.abort();
      void player.stop();
    };
  }, [url, maxDelay, retryDelayMs]);

  return (
    <figure>
      <video ref={video} muted playsInline controls />
      <figcaption role="status">{state}</figcaption>
    </figure>
  );
}

async function openStream(url: string, signal: AbortSignal): Promise<ByteStream> {
  const response = await fetch(url, { signal });
  if (!response.ok || response.body === null) throw new Error(`${url}: ${response.status} ${response.statusText}`);
  return response.body;
}
