import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import { FragmentMetadataVisitor, Mkv } from '../../src/index.js';
import { writeTags } from '../../src/testing/get-media-writer.js';
import { pairs } from '../support/fragment-facts.js';
import {
  clusterOf,
  documentHead,
  fragmentInput,
  leadingTags,
  numberOf,
  serviceTags,
} from '../support/kvs-documents.js';
import { readChunks } from '../support/read-all.js';

function show(bytes: Uint8Array): FragmentMetadataVisitor {
  const visitor = new FragmentMetadataVisitor();
  for (const element of readChunks([bytes])) element.accept(visitor);
  return visitor;
}

function indexOf(number: string | undefined): string {
  for (let index = 0; index < 10; index++) if (number === numberOf(index)) return String(index);
  return String(number);
}

describe('Tags around a fragment', () => {
  const FIRST = [documentHead(), leadingTags(fragmentInput(0)), clusterOf(fragmentInput(0))];
  /** The fragments and their tags after each Tags element. */
  const afterTags = (...parts: Uint8Array[]) => {
    const told: string[] = [];
    const visitor = new FragmentMetadataVisitor();
    for (const element of readChunks([concatBytes(parts)])) {
      element.accept(visitor);
      if (element.kind !== 'end' || !element.is(Mkv.Tags)) continue;
      const { currentFragmentMetadata: current, previousFragmentMetadata: previous } = visitor;
      const values = visitor.tags.map(({ value }) => value).join();
      told.push(`${indexOf(previous?.fragmentNumber)} > ${indexOf(current?.fragmentNumber)} [${values}]`);
    }
    return told;
  };
  const own = (value: string) => writeTags([['a', value]]);

  it('are its own at once where they stand between its number and its Cluster', () => {
    const told = afterTags(
      documentHead(),
      serviceTags(['FRAGMENT_NUMBER', numberOf(0)]),
      own('x'),
      clusterOf(fragmentInput(0)),
      serviceTags(['FRAGMENT_NUMBER', numberOf(1)]),
      own('y'),
    );
    expect(told).toEqual(['undefined > 0 []', 'undefined > 0 [x]', '0 > 1 []', '0 > 1 [y]']);
  });

  it('may say of it what they say in several elements, and more than once', () => {
    const told = afterTags(
      documentHead(),
      serviceTags(['SERVER_TIMESTAMP', '1.000']),
      serviceTags(['FRAGMENT_NUMBER', numberOf(0)]),
      clusterOf(fragmentInput(0)),
      serviceTags(['FRAGMENT_NUMBER', numberOf(0)]),
      serviceTags(['FRAGMENT_NUMBER', numberOf(1)]),
    );
    expect(told).toEqual(['undefined > undefined []', 'undefined > 0 []', 'undefined > 0 []', '0 > 1 []']);
    const apart = [serviceTags(['SERVER_TIMESTAMP', '1.000']), serviceTags(['FRAGMENT_NUMBER', numberOf(0)])];
    const visitor = show(concatBytes([documentHead(), ...apart]));
    expect(visitor.currentFragmentMetadata?.serverTimestamp?.getTime()).toBe(1000);
    expect(visitor.previousFragmentMetadata).toBeUndefined();
  });

  it.each(['MILLIS_BEHIND_NOW', 'CONTINUATION_TOKEN'])('are its own where %s alone follows', (name) => {
    const more = [serviceTags([name, '7']), own('next'), serviceTags(['FRAGMENT_NUMBER', numberOf(1)])];
    const bytes = concatBytes([...FIRST, own('own'), ...more]);
    const visitor = show(bytes);
    const { currentFragmentMetadata: current, previousFragmentMetadata: previous } = visitor;
    expect(previous?.tags.map(({ value }) => value)).toEqual(['0', 'own']);
    expect(current?.tags.map(({ value }) => value)).toEqual(['next']);
    const isToken = name === 'CONTINUATION_TOKEN';
    expect(visitor.continuationToken).toBe(isToken ? '7' : undefined);
    expect(visitor.millisBehindNow).toBe(isToken ? undefined : 7);
  });

  it('are the next one’s where the service says something else of it', () => {
    const told = afterTags(
      ...FIRST,
      own('next'),
      serviceTags(['SERVER_TIMESTAMP', '1.000']),
      serviceTags(['FRAGMENT_NUMBER', numberOf(1)]),
    );
    expect(told.slice(-2)).toEqual(['undefined > 0 [0]', '0 > 1 [next]']);
  });

  it('are known as those of the last fragment, however many documents without one come', () => {
    const visitor = show(concatBytes([...FIRST, documentHead(), own('x'), documentHead(), own('y')]));
    expect(indexOf(visitor.previousFragmentMetadata?.fragmentNumber)).toBe('0');
    expect(visitor.currentFragmentMetadata).toBeUndefined();
    expect(pairs(visitor.tags)).toEqual([['a', 'y']]);
  });
});

describe('a gap in a stream', () => {
  /** Shows everything; bytes are missing between the parts. */
  const showWithGaps = (...parts: Uint8Array[][]) => {
    const all = parts.map((part) => concatBytes(part));
    const visitor = new FragmentMetadataVisitor();
    let [part = new Uint8Array(0), ...rest] = all;
    let end = part.length;
    for (const element of readChunks([concatBytes(all)])) {
      if (element.offset >= end && rest.length > 0) {
        visitor.noteGap();
        [part = new Uint8Array(0), ...rest] = rest;
        end += part.length;
      }
      element.accept(visitor);
    }
    return visitor;
  };
  const afterGaps = (...parts: Uint8Array[][]) => {
    const { currentFragmentMetadata: current, previousFragmentMetadata: previous } = showWithGaps(...parts);
    return `${indexOf(previous?.fragmentNumber)} > ${indexOf(current?.fragmentNumber)}`;
  };
  const start = [documentHead(), leadingTags(fragmentInput(0))];
  const numbered = [serviceTags(['FRAGMENT_NUMBER', numberOf(1)])];
  const media = [clusterOf(fragmentInput(0))];

  it('makes a Cluster behind it one of no fragment, if that has no number of its own', () => {
    expect(afterGaps([...start, ...media], media)).toBe('0 > undefined');
    expect(afterGaps([...start, ...media, ...media])).toBe('undefined > 0');
    expect(afterGaps([...start, ...media], [...media, ...numbered, ...media])).toBe('0 > 1');
  });

  it('keeps what is said of a fragment without a number from the next one', () => {
    const lost = [...media, writeTags([['a', 'lost']]), serviceTags(['CONTINUATION_TOKEN', '7'])];
    const visitor = showWithGaps([...start, ...media], [...lost, writeTags([['a', 'next']]), ...numbered, ...media]);
    const { currentFragmentMetadata: current, previousFragmentMetadata: previous } = visitor;
    expect(indexOf(current?.fragmentNumber)).toBe('1');
    expect(current?.tags.map(({ value }) => value)).toEqual(['next']);
    expect(current?.continuationToken).toBeUndefined();
    expect(previous?.fragmentNumber).toBeUndefined();
    expect(previous?.tags.map(({ value }) => value)).toEqual(['lost']);
    expect(visitor.continuationToken).toBe('7');
  });

  it('makes no difference where a number, a first Cluster or another document follows', () => {
    expect(afterGaps([...start, ...media], [...numbered, ...media])).toBe('0 > 1');
    expect(afterGaps([...start, ...media], [...numbered, ...media, ...media])).toBe('0 > 1');
    expect(afterGaps(start, media)).toBe('undefined > 0');
    expect(afterGaps(start, [...media, ...media])).toBe('undefined > 0');
    expect(afterGaps([...start, ...media], [...start, ...media, ...media])).toBe('0 > 0');
  });
});
