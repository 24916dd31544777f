import type { ServiceErrorType } from './service-error.js';

/** A fault of the local endpoint. Bytes count from the first byte of the response's body, fragments from 0 within it. */
export type Fault =
  /** The connection is closed before anything is answered. */
  | { readonly kind: 'refuse' }
  /** Nothing is answered for `forMs` milliseconds, by default for ever. Then the request is served. */
  | { readonly kind: 'silent'; readonly forMs?: number | undefined }
  /** An error of the service, for example a throttled call: `type` is its name in the API, `message` what it says. */
  | { readonly kind: 'error'; readonly type: ServiceErrorType; readonly message?: string | undefined }
  /** The connection is closed in the middle of the body, after `afterBytes` bytes of it. */
  | { readonly kind: 'cut'; readonly afterBytes: number }
  /** The connection is reset (TCP RST) in the middle of the body, after `afterBytes` bytes of it. */
  | { readonly kind: 'reset'; readonly afterBytes: number }
  /** The body ends after `afterBytes` bytes as if it were complete. */
  | { readonly kind: 'end'; readonly afterBytes: number }
  /** Nothing comes after `afterBytes` bytes of the body, for `forMs` milliseconds; default until the consumer goes away. */
  | { readonly kind: 'stall'; readonly afterBytes: number; readonly forMs?: number | undefined }
  /** The byte `atByte` of the body, from 0, is changed. `mask` is what it is XORed with, default 0xff. */
  | { readonly kind: 'damage'; readonly atByte: number; readonly mask?: number | undefined }
  /**
   * GetMedia reports an error within the stream, behind `afterFragments` fragments, and ends the body. `id` and `code` are those of the
   * error.
   */
  | { readonly kind: 'stream-error'; readonly id: number; readonly code?: string; readonly afterFragments: number }
  /**
   * GetMediaForFragmentList reports an error in place of the fragment `fragment` of the request, from 0. The service's `code` is an
   * integer, default 5000; `message` is what it says.
   */
  | {
      readonly kind: 'fragment-error';
      readonly fragment: number;
      readonly code?: number | string;
      readonly message?: string;
    }
  /** The fragment `fragment` of the body, from 0, is sent twice. */
  | { readonly kind: 'duplicate'; readonly fragment: number }
  /** The fragment `fragment` of the body, from 0, is sent after the one that follows it. */
  | { readonly kind: 'late'; readonly fragment: number }
  /** All endpoints that GetDataEndpoint has given so far become invalid before the request is looked at. */
  | { readonly kind: 'expire-endpoint' }
  /** All credentials seen so far become invalid: with `afterBytes` in the middle of the body, which is cut there; else before. */
  | { readonly kind: 'expire-credentials'; readonly afterBytes?: number | undefined };

/** A request for which faults can be planned. */
export interface FaultCall {
  /** The operation's name in the API, for example `GetMedia`. */
  readonly operation: string;
  /** The stream's name; empty for an operation on no stream. */
  readonly stream: string;
  /** How many requests for this operation there were before, on any stream. */
  readonly call: number;
}

/** Returns the faults for a request. */
export type FaultPlan = (call: FaultCall) => readonly Fault[];

/** A rule of {@link scriptedFaults}: which requests, and their faults. */
export interface FaultRule {
  /** Default: every operation. */
  readonly operation?: string | undefined;
  /** Default: every stream. */
  readonly stream?: string | undefined;
  /** The first of the operation's requests that it is for, from 0. Default 0. */
  readonly fromCall?: number | undefined;
  /** How many requests it is for. Default 1. */
  readonly times?: number | undefined;
  /** What goes wrong in these requests: all of them in each request. */
  readonly faults: readonly Fault[];
}

/**
 * Creates a plan from rules. Each rule counts the requests that it was used for. Rules are not a sequence: all that match a request apply
 * to it. A rule for a later request sets `fromCall`.
 */
export function scriptedFaults(rules: readonly FaultRule[]): FaultPlan {
  const used = new Map<FaultRule, number>();
  return ({ operation, stream, call }) =>
    rules.flatMap((rule) => {
      const count = used.get(rule) ?? 0;
      const applies =
        (rule.operation ?? operation) === operation &&
        (rule.stream ?? stream) === stream &&
        call >= (rule.fromCall ?? 0) &&
        count < (rule.times ?? 1);
      if (!applies) return [];
      used.set(rule, count + 1);
      return rule.faults;
    });
}

/** Options of {@link randomFaults}. */
export interface RandomFaultOptions {
  /** The same seed gives the same faults to the same requests. */
  readonly seed: number;
  /** How many of the requests go wrong, from 0 to 1. Default 0.5. */
  readonly probability?: number | undefined;
  /**
   * Kinds to draw from. Default: all that a consumer can survive without losing a fragment: not `damage`, which the service's tags have
   * no CRC-32 against, and not `late`, since fragment numbers do not tell that one is missing.
   */
  readonly kinds?: readonly Fault['kind'][] | undefined;
  /** Operations to spoil. Default: all that read media, and GetDataEndpoint. */
  readonly operations?: readonly string[] | undefined;
  /** Faults in a body come within so many bytes. Default 200,000. */
  readonly maxBytes?: number | undefined;
  /** Faults of fragments come within so many. Default 10. */
  readonly maxFragments?: number | undefined;
  /** How long silence and stalls last, in milliseconds. Default 50. */
  readonly forMs?: number | undefined;
}

const SURVIVABLE: readonly Fault['kind'][] = [
  'refuse',
  'silent',
  'error',
  'cut',
  'reset',
  'end',
  'stall',
  'stream-error',
  'fragment-error',
  'duplicate',
  'expire-endpoint',
  'expire-credentials',
];
const READING = ['GetDataEndpoint', 'GetMedia', 'ListFragments', 'GetMediaForFragmentList'];

/** Creates a plan of random faults: at most one for each request, determined by a seed. */
export function randomFaults(options: RandomFaultOptions): FaultPlan {
  const { kinds = SURVIVABLE, operations = READING, probability = 0.5 } = options;
  const { maxBytes = 200_000, maxFragments = 10, forMs = 50 } = options;
  return ({ operation, stream, call }) => {
    if (!operations.includes(operation)) return [];
    const random = generator(`${options.seed} ${operation} ${stream} ${call}`);
    if (random() >= probability) return [];
    const kind = kinds[Math.floor(random() * kinds.length)];
    const bytes = Math.floor(random() * maxBytes);
    const fragment = Math.floor(random() * maxFragments);
    switch (kind) {
      case 'silent':
        return [{ kind, forMs }];
      case 'error':
        return [{ kind, type: transientError(operation, random()) }];
      case 'cut':
      case 'reset':
      case 'end':
        return [{ kind, afterBytes: bytes }];
      case 'stall':
        return [{ kind, afterBytes: bytes, forMs }];
      case 'damage':
        return [{ kind, atByte: bytes, mask: 1 + Math.floor(random() * 255) }];
      case 'stream-error':
        return operation === 'GetMedia' ? [{ kind, id: 5000, afterFragments: fragment }] : [];
      case 'fragment-error':
        return operation === 'GetMediaForFragmentList' ? [{ kind, fragment }] : [];
      case 'duplicate':
      case 'late':
        return operation === 'GetMedia' ? [{ kind, fragment }] : [];
      case 'expire-credentials':
        return [random() < 0.5 ? { kind } : { kind, afterBytes: bytes }];
      case 'refuse':
      case 'expire-endpoint':
        return [{ kind }];
      default:
        return [];
    }
  };
}

function transientError(operation: string, draw: number): ServiceErrorType {
  if (draw < 0.3) return 'InternalFailure';
  if (draw < 0.5) return 'ServiceUnavailable';
  return operation === 'GetMedia' && draw < 0.75 ? 'ConnectionLimitExceededException' : 'ClientLimitExceededException';
}

/** Numbers from 0 to 1 that follow from a text: xorshift32 over its FNV-1a hash. */
function generator(text: string): () => number {
  let state = 0x811c9dc5;
  for (const character of text) state = Math.imul(state ^ (character.codePointAt(0) ?? 0), 0x01000193);
  if (state === 0) state = 1;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  // The first numbers of like seeds are alike.
  for (let i = 0; i < 8; i++) next();
  return next;
}
