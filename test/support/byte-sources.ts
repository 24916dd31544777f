import { Readable } from 'node:stream';
import * as polyfill from 'web-streams-polyfill';
import type { ByteStream, TransformStreamConstructor } from '../../src/index.js';

/** The stream classes of the platform or of a polyfill. */
export interface StreamLibrary {
  readonly name: string;
  readonly ReadableStream: typeof ReadableStream;
  readonly WritableStream: typeof WritableStream;
  readonly TransformStream: TransformStreamConstructor & typeof TransformStream;
}

/** The platform's streams and web-streams-polyfill's. They take each other's place in the types only, never in a pipe. */
export const STREAM_LIBRARIES: readonly StreamLibrary[] = [
  { name: 'platform streams', ReadableStream, WritableStream, TransformStream },
  {
    name: 'web-streams-polyfill',
    // The polyfill declares its classes by itself; they have the platform's shape.
    ReadableStream: polyfill.ReadableStream as unknown as typeof ReadableStream,
    WritableStream: polyfill.WritableStream as unknown as typeof WritableStream,
    TransformStream: polyfill.TransformStream as unknown as typeof TransformStream,
  },
];

/** What a source does, and what comes after its chunks. */
export interface SourceScript {
  readonly chunks: readonly Uint8Array[];
  /** After the chunks: the end (default), an error, or nothing for ever. */
  readonly ending?: 'end' | 'hang' | Error;
}

/** A source of bytes that remembers what was done to it. */
export interface WatchedSource {
  readonly stream: ByteStream;
  /** How many chunks have been taken from it. */
  readonly taken: number;
  /** Whether it was told that no more is wanted. */
  readonly cancelled: boolean;
  /** What it was told; only WHATWG streams are told a reason. */
  readonly reason: unknown;
}

/** One kind of source. */
export interface SourceKind {
  readonly name: string;
  /** Whether reading it waits, so that it can hang. */
  readonly waits: boolean;
  /** Whether it is told why it is cancelled. */
  readonly hearsReason: boolean;
  open(script: SourceScript): WatchedSource;
}

interface Log {
  stream: ByteStream;
  taken: number;
  cancelled: boolean;
  reason: unknown;
}

function watched(make: (log: Log) => ByteStream): WatchedSource {
  const log: Log = { stream: [], taken: 0, cancelled: false, reason: undefined };
  log.stream = make(log);
  return log;
}

const forever = () => new Promise<never>(() => {});

/** Every kind of source with the stream classes of one library. */
export function sourceKinds({ name, ReadableStream }: StreamLibrary): SourceKind[] {
  const underlying = ({ chunks, ending: last = 'end' }: SourceScript, log: Log) => ({
    cancel(reason: unknown) {
      log.cancelled = true;
      log.reason = reason;
    },
    async pull(controller: ReadableStreamDefaultController<Uint8Array> | ReadableByteStreamController) {
      const chunk = chunks[log.taken];
      if (chunk !== undefined) {
        log.taken++;
        // A byte stream takes the buffer away from its owner.
        controller.enqueue(new Uint8Array(chunk));
      } else if (last === 'hang') {
        await forever();
      } else if (last === 'end') {
        controller.close();
      } else {
        controller.error(last);
      }
    },
  });
  return [
    {
      name: `ReadableStream of ${name}`,
      waits: true,
      hearsReason: true,
      open: (script) => watched((log) => new ReadableStream<Uint8Array>(underlying(script, log), { highWaterMark: 0 })),
    },
    {
      name: `byte stream of ${name}`,
      waits: true,
      hearsReason: true,
      open: (script) =>
        watched((log) => new ReadableStream({ type: 'bytes', ...underlying(script, log) }, { highWaterMark: 0 })),
    },
    {
      name: 'async generator',
      waits: true,
      hearsReason: false,
      open: ({ chunks, ending: last = 'end' }) =>
        watched(async function* (log: Log) {
          try {
            for (const chunk of chunks) {
              log.taken++;
              yield chunk;
            }
            if (last === 'hang') await forever();
            if (last instanceof Error) throw last;
          } finally {
            log.cancelled = true;
          }
        }),
    },
    {
      name: 'generator',
      waits: false,
      hearsReason: false,
      open: ({ chunks, ending: last = 'end' }) =>
        watched(function* (log: Log) {
          try {
            for (const chunk of chunks) {
              log.taken++;
              yield chunk;
            }
            if (last instanceof Error) throw last;
          } finally {
            log.cancelled = true;
          }
        }),
    },
    {
      name: 'Node Readable',
      waits: true,
      hearsReason: false,
      open: ({ chunks, ending: last = 'end' }) =>
        watched(
          (log) =>
            new Readable({
              highWaterMark: 1,
              read() {
                const chunk = chunks[log.taken];
                if (chunk !== undefined) {
                  log.taken++;
                  this.push(chunk);
                } else if (last === 'end') {
                  this.push(null);
                } else if (last instanceof Error) {
                  this.destroy(last);
                }
              },
              destroy(error, done) {
                log.cancelled = true;
                done(error);
              },
            }),
        ),
    },
  ];
}
