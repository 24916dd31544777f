import type { StreamIdentity } from '../client/access.js';
import type { Fragment } from '../fragments/fragment.js';

/** What a handler receives besides the fragment. */
export interface HandlerContext {
  /** The stream that the fragment is of, by name or ARN. */
  readonly stream: StreamIdentity;
  /** `'live'` where the stream is followed, `'stored'` where the fragment is one of a stored stretch. */
  readonly kind: 'live' | 'stored';
  /** The name of the worker. */
  readonly worker: string;
  /** Is aborted when the stream passes to another worker: what is done after that may be done there as well. */
  readonly signal: AbortSignal;
}

/**
 * Processes a fragment. Fragments of one stream come one at a time, in order; of a stored stretch, those of one part. When it throws, the
 * fragment comes again, perhaps on another worker. What it returns for a stored fragment is kept as its result, as JSON.
 */
export type FleetHandler = (fragment: Fragment, context: HandlerContext) => unknown;
