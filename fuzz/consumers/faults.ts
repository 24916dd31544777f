import type { Choices } from '../input.js';
import { type Answer, errorAnswer, FINAL, PASSING, strangePage } from './answers.js';

/** What happens to one answer of the fake service. */
export type Fault =
  /** The connection is reset, or the body ends in good order, or nothing more comes: all behind so many bytes of it. */
  | { readonly kind: 'cut' | 'end' | 'stall'; readonly at: number }
  /** From this byte on, some bytes come one by one. */
  | { readonly kind: 'slow'; readonly at: number }
  /** A bit of the body is wrong; or one before the Cluster of a document, so that no frame's own bytes are wrong. */
  | { readonly kind: 'flip'; readonly at: number; readonly mask: number; readonly inHead: boolean }
  /** Something else stands between two documents. */
  | { readonly kind: 'garbage'; readonly behind: number; readonly bytes: Buffer }
  /** The service reports an error behind so many documents. */
  | {
      readonly kind: 'stream error';
      readonly behind: number;
      readonly id: number | undefined;
      readonly code: string | undefined;
    }
  /** Documents come twice, or those before them come first, or, of a list, two of them change places. */
  | { readonly kind: 'twice' | 'swapped' }
  | { readonly kind: 'back'; readonly count: number }
  /** Another answer in place of the media. */
  | { readonly kind: 'answer'; readonly answer: Answer; readonly mayEnd: boolean }
  /** The credentials are refused: expired ones until there are new ones, the others this once. */
  | { readonly kind: 'expired' }
  | { readonly kind: 'refused'; readonly answer: Answer }
  /** The endpoint has moved: this one refuses all calls from now on. */
  | { readonly kind: 'moved' }
  /** No answer: the connection is reset, it stays silent, or what comes is no HTTP. */
  | { readonly kind: 'reset' | 'silent' | 'no HTTP' }
  /** GetDataEndpoint gives this. */
  | { readonly kind: 'endpoint'; readonly url: unknown };

/** Whether media come wrong: a few of those in a row may cost a fragment. */
export function isDamage({ kind }: Fault): boolean {
  return kind === 'flip' || kind === 'garbage';
}

const passing = (c: Choices): Fault => {
  const [name, status] = c.pick(PASSING);
  return { kind: 'answer', answer: errorAnswer(c, name, status), mayEnd: false };
};

const connection = (c: Choices): Fault => ({ kind: c.pick(['reset', 'silent', 'no HTTP'] as const) });

const credentials = (c: Choices): Fault => {
  if (c.oneIn(2)) return { kind: 'expired' };
  const [name, status] = c.pick([
    ['NotAuthorizedException', 401],
    ['AccessDeniedException', 403],
    ['UnrecognizedClientException', 403],
  ] as const);
  return { kind: 'refused', answer: errorAnswer(c, name, status) };
};

const final = (c: Choices): Fault => {
  const [name, status] = c.pick(FINAL);
  return { kind: 'answer', answer: errorAnswer(c, name, status), mayEnd: true };
};

const page = (c: Choices): Fault => ({ kind: 'answer', answer: strangePage(c), mayEnd: false });

const streamError = (c: Choices): Fault => {
  const id = c.pick([3002, 5000, 5000, 4503, 4500, 4506, 4000, 777, 6001, undefined]);
  return {
    kind: 'stream error',
    behind: c.below(4),
    id,
    code: id === undefined || c.oneIn(2) ? 'SOMETHING' : undefined,
  };
};

/** A fault of GetMedia or GetMediaForFragmentList, whose body has about `length` bytes. */
export function mediaFault(
  c: Choices,
  length: number,
  { canFlip, canSwap }: { canFlip: boolean; canSwap: boolean },
): Fault {
  const at = () => c.below(length + 1);
  return c.pick<(c: Choices) => Fault>([
    () => ({ kind: 'cut', at: at() }),
    () => ({ kind: 'cut', at: at() }),
    () => ({ kind: 'end', at: at() }),
    () => ({ kind: 'end', at: at() }),
    () => ({ kind: 'stall', at: at() }),
    () => ({ kind: 'slow', at: at() }),
    () => ({ kind: 'flip', at: at(), mask: 1 << c.below(8), inHead: !canFlip }),
    () => ({ kind: 'flip', at: at(), mask: 1 << c.below(8), inHead: !canFlip || c.oneIn(2) }),
    () => ({ kind: 'garbage', behind: 1 + c.below(3), bytes: strangePage(c).body }),
    streamError,
    () => ({ kind: canSwap && c.oneIn(2) ? 'swapped' : 'twice' }),
    () => ({ kind: 'back', count: 1 + c.below(5) }),
    page,
    passing,
    passing,
    connection,
    credentials,
    () => ({ kind: 'moved' }),
    () => (c.oneIn(8) ? final(c) : passing(c)),
  ])(c);
}

/** A fault of ListFragments. */
export function listFault(c: Choices): Fault {
  return c.pick([passing, passing, connection, credentials, page, () => ({ kind: 'moved' }) satisfies Fault])(c);
}

/** A fault of GetDataEndpoint. */
export function endpointFault(c: Choices): Fault {
  const odd = (): Fault => ({ kind: 'endpoint', url: c.pick(['', 'ftp://127.0.0.1/', 'no url', 7, null, undefined]) });
  return c.pick([passing, passing, connection, credentials, page, odd])(c);
}
