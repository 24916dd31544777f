import type { Fragment } from '../fragments/fragment.js';
import { nodeModule } from '../mkv/node-module.js';
import type { StreamIdentity } from './access.js';
import type { Checkpoint } from './checkpoint.js';
import type { GapEvent, ReconnectEvent } from './events.js';
import type { KinesisVideoError, ServiceOperation } from './service-error.js';

/** The part that all messages have. */
export interface DiagnosticMessage {
  /** The stream, as the consumer's options name it. */
  readonly stream: StreamIdentity;
}

/** A connection for media has been opened or is over: channel `kvs-parser:connection`. */
export interface ConnectionMessage extends DiagnosticMessage {
  /** `'open'` when the service has answered with a body, `'closed'` when the connection is over. */
  readonly state: 'open' | 'closed';
  /** `GetMedia` or `GetMediaForFragmentList`. */
  readonly operation: ServiceOperation;
  /** The service's id of the request. */
  readonly requestId: string | undefined;
  /** Why it is over, where it has failed. */
  readonly error: KinesisVideoError | undefined;
}

/** A fragment is handed out: channel `kvs-parser:fragment`. */
export interface FragmentMessage extends DiagnosticMessage {
  /** A decimal string; `undefined` where the service has sent none. */
  readonly fragmentNumber: string | undefined;
  /** When the producer began to record the fragment. */
  readonly producerTimestamp: Date | undefined;
  /** When the service received the fragment. */
  readonly serverTimestamp: Date | undefined;
  /** How many frames it has. */
  readonly frames: number;
  /** Bytes of its frames. */
  readonly frameBytes: number;
  /** How far, in milliseconds, it is behind the newest of the stream, by the service. */
  readonly millisBehindNow: number | undefined;
}

/** A call has failed and is made again: channel `kvs-parser:retry`. */
export interface RetryMessage extends DiagnosticMessage {
  /** The kind of the failure, or `ended` where the service ended the connection. */
  readonly reason: ReconnectEvent['reason'];
  /** What failed. Its `operation` names the call. */
  readonly error: KinesisVideoError;
  /** How long is waited before, in milliseconds. */
  readonly delayMs: number;
}

/** Fragments cannot be had: channel `kvs-parser:gap`. */
export interface GapMessage extends DiagnosticMessage, Omit<GapEvent, 'kind'> {
  /** As in {@link GapEvent}; `failed`: a stored fragment that could not be read. */
  readonly kind: GapEvent['kind'] | 'failed';
}

/** A checkpoint has been saved, or would be with a store: channel `kvs-parser:checkpoint`. */
export interface CheckpointMessage extends DiagnosticMessage {
  /** What was saved. A program that keeps it can give it to `startAfter`. */
  readonly checkpoint: Checkpoint;
}

/** The channels of `node:diagnostics_channel`, by the part of their names behind `kvs-parser:`. */
export interface DiagnosticMessages {
  /** `kvs-parser:connection`: a connection for media opens or is over. */
  readonly connection: ConnectionMessage;
  /** `kvs-parser:fragment`: a fragment is handed out. */
  readonly fragment: FragmentMessage;
  /** `kvs-parser:retry`: a call has failed and is made again. */
  readonly retry: RetryMessage;
  /** `kvs-parser:gap`: fragments are missing. */
  readonly gap: GapMessage;
  /** `kvs-parser:checkpoint`: a checkpoint is saved. */
  readonly checkpoint: CheckpointMessage;
}

/** What is in a message besides the stream. */
type Contents = { readonly [K in keyof DiagnosticMessages]: Omit<DiagnosticMessages[K], 'stream'> };

/** The part of a channel of Node that is used. */
interface Channel {
  readonly hasSubscribers: boolean;
  publish(message: unknown): void;
}

let channels: Readonly<Record<keyof DiagnosticMessages, Channel>> | undefined;

/** Publishes what happens to the consumers of a stream. Where nobody subscribes, and where the runtime has no channels, nothing is made. */
export class Diagnostics {
  readonly #stream: StreamIdentity;

  constructor({ streamName, streamARN }: StreamIdentity) {
    this.#stream = streamName === undefined ? { streamARN } : { streamName };
    channels ??= openChannels();
  }

  /** @param message makes what is published; it is called only where somebody subscribes */
  publish<K extends keyof DiagnosticMessages>(name: K, message: () => Contents[K]): void {
    const channel = channels?.[name];
    if (channel?.hasSubscribers === true) channel.publish({ stream: this.#stream, ...message() });
  }
}

/** What is published of a fragment. */
export function fragmentMessage(fragment: Fragment): Omit<FragmentMessage, 'stream'> {
  const { fragmentNumber, producerTimestamp, serverTimestamp, millisBehindNow, frames } = fragment;
  const frameBytes = frames.reduce((sum, { size }) => sum + size, 0);
  return { fragmentNumber, producerTimestamp, serverTimestamp, frames: frames.length, frameBytes, millisBehindNow };
}

function openChannels(): typeof channels {
  const module: unknown = nodeModule('node:diagnostics_channel');
  const open: unknown = typeof module === 'object' && module !== null ? Reflect.get(module, 'channel') : undefined;
  if (typeof open !== 'function') return undefined;
  const channel = (name: keyof DiagnosticMessages): Channel => open(`kvs-parser:${name}`);
  return {
    connection: channel('connection'),
    fragment: channel('fragment'),
    retry: channel('retry'),
    gap: channel('gap'),
    checkpoint: channel('checkpoint'),
  };
}
