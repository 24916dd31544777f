import type { Fragment } from '../../src/fragments/fragment.js';
import type { FragmentMetadata } from '../../src/visitors/fragment-metadata.js';
import type { MkvTag } from '../../src/visitors/tag.js';
import type { CaptureFacts, FragmentFacts } from './captures.js';

/** A fragment's metadata in the words of the facts. */
export interface MetadataFacts {
  readonly kvs: Readonly<Record<string, string>>;
  readonly tags: readonly (readonly [name: string, value: string])[];
}

/** The names and values of tags. */
export function pairs(tags: readonly MkvTag[]): [name: string, value: string][] {
  return tags.map(({ name, value }) => [name, value]);
}

/** Metadata in the words of the facts; the times as the service spells them, so that a millisecond's difference shows. */
export function metadataFacts(metadata: FragmentMetadata | undefined, tags: readonly MkvTag[]): MetadataFacts {
  const kvs: Record<string, string> = {};
  const put = (name: string, value: string | undefined) => {
    if (value !== undefined) kvs[name] = value;
  };
  put('FRAGMENT_NUMBER', metadata?.fragmentNumber);
  put('SERVER_TIMESTAMP', decimal(metadata?.serverTimestamp));
  put('PRODUCER_TIMESTAMP', decimal(metadata?.producerTimestamp));
  put('MILLIS_BEHIND_NOW', metadata?.millisBehindNow?.toString());
  put('CONTINUATION_TOKEN', metadata?.continuationToken);
  return { kvs, tags: pairs(tags) };
}

/** What a whole fragment says of itself, in the words of the facts. */
export function fragmentFacts(fragment: Fragment) {
  return {
    ...metadataFacts(fragment.metadata, fragment.tags),
    frames: fragment.frames.length,
    frameBytes: fragment.frames.reduce((sum, frame) => sum + frame.size, 0),
    truncated: fragment.truncated,
    error: fragment.error,
  };
}

/** What a reader of the capture has to find: the facts, with strings that end at their first NUL. */
export function expectedFragments(
  facts: CaptureFacts,
  all: readonly CaptureFacts[],
): ReturnType<typeof fragmentFacts>[] {
  // The facts of the merged capture are those of a reader that knows no fragments in a Segment; it was merged from this file.
  const merged = facts.file === 'output_get_media_sparse_fragments_merged.mkv';
  const source = merged ? all.find(({ file }) => file === 'output_get_media_sparse_fragments.mkv') : facts;
  if (source === undefined) throw new Error(`no facts of what ${facts.file} was merged from`);
  return source.fragments.map((fragment) => ({ ...expected(fragment), truncated: false, error: undefined }));
}

function expected({ frames, frameBytes, kvs, producerTags }: FragmentFacts) {
  const tags = producerTags.map(([name, value]): [string, string] => [name, value.replace(/\0.*/s, '')]);
  return { kvs, tags, frames, frameBytes };
}

function decimal(date: Date | undefined): string | undefined {
  if (date === undefined) return undefined;
  const ms = date.getTime();
  return `${Math.floor(ms / 1000)}.${String(ms % 1000).padStart(3, '0')}`;
}
