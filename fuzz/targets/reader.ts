import { MKV_SCHEMA } from '../../src/mkv/elements.js';
import type { MkvReaderOptions, MkvWarning } from '../../src/mkv/reader.js';
import { ensure, ensureSame, kindOf } from '../finding.js';
import { Choices } from '../input.js';
import { accountedBytes, type Reading, readAll } from '../reading.js';
import { streamSeeds } from '../seeds.js';
import type { FuzzTarget } from '../target.js';

const TYPES = [...MKV_SCHEMA.values()];

/** The reader with every option, in every chunking, and its options against each other. */
export const reader: FuzzTarget = {
  name: 'reader',
  ebml: true,
  seeds: streamSeeds,
  run({ choice, bytes }, features) {
    const c = new Choices(choice);
    const read = (name: string, options: MkvReaderOptions): Reading => {
      const reading = readAll([bytes.slice()], bytes, options);
      note(features, name, reading);
      ensureSame(readAll(c.chunks(bytes), bytes, options).events, reading.events, `${name}, in chunks and whole`);
      return reading;
    };
    const plain = read('default', {});
    switch (c.below(5)) {
      case 0:
        ensureStrict(plain, read('strict', { strict: true }), bytes);
        break;
      case 1:
        ensureRecovered(plain, read('recover', { recover: true }), bytes);
        break;
      case 2: {
        const checked = read('verifyCrc', { verifyCrc: true });
        if (checked.error === undefined) ensureSame(checked.elements, plain.elements, 'checked and unchecked');
        else ensure(checked.error.code === 'CrcMismatch' || plain.error !== undefined, 'verifyCrc refuses more');
        break;
      }
      case 3:
        ensureFiltered(plain, c, read);
        break;
      default: {
        const options = {
          strict: c.oneIn(2),
          recover: c.oneIn(2),
          verifyCrc: c.oneIn(2),
          maxDepth: c.pick([undefined, undefined, 1, 3]),
          maxElementSize: c.pick([undefined, undefined, 0, 10, 1000]),
          elements: c.oneIn(2) ? undefined : TYPES.filter(() => c.oneIn(3)),
        };
        read('several', options);
        ensureCopied(bytes, c, options);
      }
    }
    if (plain.error === undefined && !plain.truncated) {
      ensure(accountedBytes(plain) === bytes.length, 'bytes are missing among the elements');
    }
  },
};

function note(features: Set<string>, name: string, { error, truncated, warnings, gaps }: Reading): void {
  if (error !== undefined) features.add(`${name} ${kindOf(error.message)}`);
  if (truncated) features.add(`${name} truncated`);
  for (const { message } of warnings) features.add(`${name} ${kindOf(message)}`);
  for (const { reason } of gaps) features.add(`${name} ${kindOf(reason)}`);
}

function ensureStrict(plain: Reading, strict: Reading, bytes: Uint8Array): void {
  // An extension may have any id that nobody knows, one bit from another or not: the standard does not forbid it.
  const isWrong = plain.warnings.some(({ message }) => !message.includes('unknown, and may be a damaged'));
  const fine = plain.error === undefined && !isWrong && !plain.truncated;
  ensure((strict.error === undefined) === fine, () => `strict says <${strict.error?.message ?? 'nothing'}>`);
  if (!fine) return;
  ensureSame(strict.events, plain.events, 'strict and default');
  ensure(accountedBytes(strict) === bytes.length, 'strict leaves bytes out');
}

function ensureRecovered(plain: Reading, recovered: Reading, bytes: Uint8Array): void {
  const accounted = accountedBytes(recovered);
  ensure(accounted === bytes.length, `elements and gaps have <${accounted}> bytes of <${bytes.length}>`);
  let reached = 0;
  for (const gap of recovered.gaps) {
    ensure(gap.length > 0 && gap.offset >= reached, 'gaps are empty, or out of order');
    reached = gap.offset + gap.length;
  }
  const intact = plain.error === undefined && plain.warnings.length === 0 && !plain.truncated;
  if (intact) ensureSame(recovered.events, plain.events, 'recover and default, of an intact stream');
  // Of an element and a master that it reaches past, recovery takes one to be wrong; without it both are taken as they are.
  else if (plain.error === undefined && recovered.gaps.length === 0 && !plain.warnings.some(isPastMaster))
    ensureSame(recovered.elements, plain.elements, 'recover and default');
}

/** Whether an element reaches past a master that is not the Segment. */
function isPastMaster({ code, message }: MkvWarning): boolean {
  return code === 'PastParentEnd' && !/\(at Segment\/[^/]*\)$/.test(message);
}

function ensureFiltered(plain: Reading, c: Choices, read: (name: string, options: MkvReaderOptions) => Reading): void {
  const wanted = new Set(TYPES.filter(() => c.oneIn(4)));
  const ids = new Set([...wanted].map(({ id }) => id));
  const filtered = read('elements', { elements: wanted });
  ensure(
    filtered.ids.every((id) => ids.has(id)),
    'an element that was not asked for',
  );
  if (plain.error !== undefined || plain.warnings.length > 0 || plain.truncated) return;
  ensureSame(
    filtered.elements,
    plain.elements.filter((_, i) => ids.has(plain.ids[i] ?? 0)),
    'elements that were asked for and all',
  );
}

/** With `copyChunks` the caller writes over its one buffer after each push. */
function ensureCopied(bytes: Uint8Array, c: Choices, options: MkvReaderOptions): void {
  const plain = readAll([bytes.slice()], bytes, options);
  const chunks = c.chunks(bytes);
  const buffer = new Uint8Array(Math.max(1, ...chunks.map(({ length }) => length)));
  const copied = readAll(overwriting(chunks, buffer), bytes, { ...options, copyChunks: true });
  ensureSame(copied.events, plain.events, 'copied chunks and views');
}

function* overwriting(chunks: readonly Uint8Array[], buffer: Uint8Array): Generator<Uint8Array, void> {
  for (const chunk of chunks) {
    buffer.set(chunk);
    yield buffer.subarray(0, chunk.length);
    buffer.fill(0x55);
  }
}
