import type { MediaClient, StreamIdentity } from './access.js';
import { Attempt } from './attempt.js';
import type { Clock } from './clock.js';
import type { DataClient, DataPlane } from './data-plane.js';
import type { Diagnostics } from './diagnostics.js';
import { FragmentReader, type ReadFragment } from './fragment-reader.js';
import type { MetricsRecorder } from './metrics.js';
import type { CallLimiter } from './rate-limiter.js';
import type { Recovery } from './recovery.js';
import { loadMedia } from './sdk-media.js';
import type { StartSelector } from './sdk-types.js';

/** What connections of GetMedia are made with. */
export interface MediaSetup {
  readonly plane: DataPlane<MediaClient>;
  readonly stream: StreamIdentity;
  readonly recovery: Recovery<MediaClient>;
  readonly limiter: CallLimiter;
  readonly clock: Clock;
  readonly metrics: MetricsRecorder;
  readonly readTimeoutMs: number;
  readonly verifyCrc: boolean;
  readonly maxFragmentSize: number | undefined;
  readonly diagnostics: Diagnostics;
}

/** Calls GetMedia; the attempt has the body then. Returns the id of the request. */
export async function openMedia(
  { recovery, limiter, metrics, stream, diagnostics }: MediaSetup,
  attempt: Attempt,
  client: DataClient<MediaClient>,
  selector: StartSelector,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { GetMediaCommand } = await loadMedia();
  const called = await limiter.take(signal);
  const command = new GetMediaCommand({
    StreamName: stream.streamName,
    StreamARN: stream.streamARN,
    StartSelector: selector,
  });
  const output = await attempt.call((abortSignal) => client.client.send(command, { abortSignal })).finally(called);
  recovery.answered();
  metrics.connections++;
  metrics.connected = true;
  attempt.open(output.Payload);
  const requestId = output.$metadata?.requestId;
  diagnostics.publish<'connection'>('connection', () => ({
    state: 'open',
    operation: 'GetMedia',
    requestId,
    error: undefined,
  }));
  return requestId;
}

/** Reads to the end of a fragment, or of the body. */
export async function readOn(metrics: MetricsRecorder, attempt: Attempt, reader: FragmentReader): Promise<void> {
  await attempt.feed((chunk) => {
    if (chunk === undefined) {
      reader.end();
    } else {
      metrics.bytes += chunk.length;
      reader.push(chunk);
    }
    return reader.ready || reader.ended;
  }, reader.copiesChunks);
}

/** The first fragment from a place on that is wanted, over a connection of its own, where it can be had undamaged. */
export async function readOne(
  setup: MediaSetup,
  selector: StartSelector,
  isWanted: (read: ReadFragment) => boolean,
  signal: AbortSignal,
): Promise<ReadFragment | undefined> {
  const { clock, metrics, readTimeoutMs, plane, verifyCrc, maxFragmentSize } = setup;
  const attempt = new Attempt('GetMedia', clock, readTimeoutMs, signal);
  const reader = new FragmentReader({ verifyCrc, keepDocuments: false, maxFragmentSize });
  try {
    await openMedia(setup, attempt, await plane.acquire(attempt, signal), selector, signal);
    while (!reader.ended) {
      await readOn(metrics, attempt, reader);
      const read = reader.next();
      if (read === undefined) continue;
      if (read.state === 'cut' || read.fragment.error !== undefined) return undefined;
      if (isWanted(read)) return read;
    }
  } catch {
    // Whoever looks at a fragment can do without, or looks again later.
    signal.throwIfAborted();
  } finally {
    metrics.connected = false;
    await attempt.close();
  }
  return undefined;
}
