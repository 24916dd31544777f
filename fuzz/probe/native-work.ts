let elements = 0;

/** How many elements the platform's own functions have gone over since {@link resetNativeWork}: statements do not show them. */
export function nativeWork(): number {
  return elements;
}

export function resetNativeWork(): void {
  elements = 0;
}

type Method = (this: ArrayLike<unknown>, ...args: unknown[]) => unknown;

type Weight = (length: number, result: unknown) => number;

/** A copy costs its own length. */
const copied: Weight = (_, result) => lengthOf(result);
/** What changes in place may move all of it. */
const moved: Weight = (length) => length;
/** A search ends where it finds something. */
const searched: Weight = (length, result) => (typeof result === 'number' && result >= 0 ? result : length);

/** What the functions cost that go over many elements of an array. */
const WEIGHTS: Readonly<Record<string, Weight>> = {
  splice: moved,
  shift: moved,
  unshift: moved,
  reverse: moved,
  sort: moved,
  join: moved,
  fill: moved,
  copyWithin: moved,
  concat: copied,
  slice: copied,
  flat: copied,
  indexOf: searched,
  lastIndexOf: searched,
  includes: searched,
};

function count(prototype: object, name: string, weight: Weight): void {
  const plain: unknown = Reflect.get(prototype, name);
  if (typeof plain !== 'function') return;
  const counted: Method = function (...args) {
    const { length } = this;
    const result: unknown = Reflect.apply(plain, this, args);
    elements += weight(length, result);
    return result;
  };
  Object.defineProperty(prototype, name, { value: counted, writable: true, configurable: true });
}

/** Lets an iterator of the platform count what it gives: spreads and destructuring go through it. */
function countIteration(prototype: object): void {
  const next: unknown = Reflect.get(prototype, 'next');
  if (typeof next !== 'function') return;
  Object.defineProperty(prototype, 'next', {
    value(this: unknown) {
      elements++;
      return Reflect.apply(next, this, []);
    },
    writable: true,
    configurable: true,
  });
}

/** Makes the platform's functions count from here on. */
export function watchNativeWork(): void {
  const bytes = Object.getPrototypeOf(Uint8Array.prototype);
  for (const [name, weight] of Object.entries(WEIGHTS)) {
    count(Array.prototype, name, weight);
    count(bytes, name, weight);
  }
  countSet(bytes);
  countIteration(Object.getPrototypeOf([][Symbol.iterator]()));
  countIteration(Object.getPrototypeOf(new Map()[Symbol.iterator]()));
  countIteration(Object.getPrototypeOf(new Set()[Symbol.iterator]()));
  const { decode } = TextDecoder.prototype;
  TextDecoder.prototype.decode = function (this: TextDecoder, ...args) {
    const [input] = args;
    elements += input === undefined || input === null ? 0 : input.byteLength;
    return decode.apply(this, args);
  };
}

function countSet(prototype: object): void {
  const plain: unknown = Reflect.get(prototype, 'set');
  if (typeof plain !== 'function') return;
  const counted: Method = function (...args) {
    elements += lengthOf(args[0]);
    return Reflect.apply(plain, this, args);
  };
  Object.defineProperty(prototype, 'set', { value: counted, writable: true, configurable: true });
}

function lengthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const length: unknown = Reflect.get(value, 'length');
  return typeof length === 'number' ? length : 0;
}
