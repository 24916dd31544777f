import { describe, expect, it } from 'vitest';
import { concatBytes, writeElement, writeHeader, writeMaster } from '../../src/ebml/writer.js';
import { Mkv, MkvParseError, StreamingMkvReader } from '../../src/index.js';

const EBML = writeMaster(Mkv.EBML, [writeElement(Mkv.DocType, 'matroska')]);
const SEGMENT = writeHeader(Mkv.Segment, undefined);
const BROKEN = new Uint8Array(4);

const next = (reader: StreamingMkvReader) => {
  const element = reader.nextIfAvailable();
  return element && `${element.kind} ${element.type.name}`;
};

describe('StreamingMkvReader', () => {
  it('gives what has arrived, one by one, and more when more has come', () => {
    const reader = new StreamingMkvReader();
    expect(next(reader)).toBeUndefined();
    reader.push(EBML.subarray(0, 8));
    expect([next(reader), next(reader), next(reader)]).toEqual(['start EBML', undefined, undefined]);
    reader.push(EBML.subarray(8));
    expect(next(reader)).toBe('data DocType');
    reader.push(SEGMENT);
    expect([next(reader), next(reader), next(reader)]).toEqual(['end EBML', 'start Segment', undefined]);
    reader.end();
    expect([next(reader), next(reader), reader.truncated, reader.error]).toEqual([
      'end Segment',
      undefined,
      false,
      undefined,
    ]);
    expect(() => reader.push(EBML)).toThrow(TypeError);
  });

  it('reads nothing before it is asked to', () => {
    const reader = new StreamingMkvReader();
    reader.push(BROKEN);
    reader.push(EBML);
    reader.end();
    expect(reader.error).toBeUndefined();
    expect(() => reader.nextIfAvailable()).toThrow(MkvParseError);
    expect(reader.error).toMatchObject({ code: 'InvalidId', offset: 0 });

    const later = new StreamingMkvReader();
    later.push(concatBytes([EBML, BROKEN]));
    expect([next(later), next(later), next(later), later.error]).toEqual([
      'start EBML',
      'data DocType',
      'end EBML',
      undefined,
    ]);
    later.push(EBML);
    expect(later.error).toBeUndefined();
    expect(() => next(later)).toThrow(MkvParseError);
  });

  it('might have more until its end is known and everything has been taken, however often that is asked', () => {
    const reader = new StreamingMkvReader();
    const taken: (string | undefined)[] = [];
    const take = () => {
      for (let i = 0; i < 3; i++) expect(reader.mightHaveNext()).toBe(true);
      taken.push(next(reader));
    };
    take();
    reader.push(EBML);
    for (let i = 0; i < 4; i++) take();
    reader.push(SEGMENT);
    reader.end();
    for (let i = 0; i < 2; i++) take();
    expect(taken).toEqual([
      undefined,
      'start EBML',
      'data DocType',
      'end EBML',
      undefined,
      'start Segment',
      'end Segment',
    ]);
    for (let i = 0; i < 3; i++) expect(reader.mightHaveNext()).toBe(false);
    expect(next(reader)).toBeUndefined();

    const empty = new StreamingMkvReader();
    empty.end();
    expect([empty.mightHaveNext(), next(empty), empty.mightHaveNext()]).toEqual([false, undefined, false]);
  });

  it('has its error still to give until that has been thrown', () => {
    const reader = new StreamingMkvReader();
    reader.push(BROKEN);
    reader.end();
    for (let i = 0; i < 3; i++) expect(reader.mightHaveNext()).toBe(true);
    expect(() => reader.nextIfAvailable()).toThrow(MkvParseError);
    expect(reader.mightHaveNext()).toBe(false);
    expect(() => reader.nextIfAvailable()).toThrow(reader.error);
    expect(reader.mightHaveNext()).toBe(false);

    const open = new StreamingMkvReader();
    open.push(BROKEN);
    expect(open.mightHaveNext()).toBe(true);
    expect(() => open.nextIfAvailable()).toThrow(MkvParseError);
    expect(open.mightHaveNext()).toBe(false);
    expect(() => open.end()).not.toThrow(TypeError);
  });

  it('takes what is unknown in a Segment for damage on request, and extensions elsewhere as they are', () => {
    const page = new TextEncoder().encode(`{"message":"${'because of an error '.repeat(20)}"}`);
    const unknown = Uint8Array.of(0x4f, 0xff, 0x82, 1, 2);
    const info = writeMaster(Mkv.Info, [unknown, writeElement(Mkv.TimestampScale, 1_000_000)]);
    const read = (bytes: Uint8Array, options: { refuseUnknown?: boolean; recover?: boolean }) => {
      const gaps: string[] = [];
      const onGap = ({ reason }: { reason: string }) => gaps.push(reason);
      const reader = new StreamingMkvReader({ elements: [Mkv.Segment, Mkv.Info], onGap, ...options });
      reader.push(bytes);
      reader.end();
      const taken: (string | undefined)[] = [];
      while (reader.mightHaveNext()) taken.push(next(reader));
      return { taken, gaps };
    };
    const document = concatBytes([EBML, SEGMENT, info]);
    const whole = ['start Segment', 'start Info', 'end Info', 'end Segment'];
    const both = concatBytes([document, page, document]);
    expect(read(document, { refuseUnknown: true })).toEqual({ taken: whole, gaps: [] });
    expect(() => read(both, { refuseUnknown: true })).toThrow(/an unknown element/);
    expect(() => read(concatBytes([document, unknown]), { refuseUnknown: true })).toThrow(MkvParseError);
    expect(read(concatBytes([document, unknown]), {})).toEqual({ taken: whole, gaps: [] });
    const { taken, gaps } = read(both, { refuseUnknown: true, recover: true });
    expect([taken, gaps.length]).toEqual([[...whole, ...whole], 1]);
  });

  it('says that the stream was cut off once that has been read', () => {
    const reader = new StreamingMkvReader();
    reader.push(concatBytes([EBML, SEGMENT.subarray(0, 2)]));
    reader.end();
    expect(reader.truncated).toBe(false);
    while (next(reader) !== undefined);
    expect([reader.truncated, reader.mightHaveNext()]).toEqual([true, false]);
  });
});
