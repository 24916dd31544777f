import type { Bytes } from './bytes.js';
import type { EbmlElementType } from './element-type.js';
import { EBML_EPOCH_MS } from './values.js';
import { idLength, putId, putSize, putUint, sizeLength } from './vint.js';

/** A value that can be written as an element. The element's type decides which values are possible. */
export type EbmlValue = number | bigint | string | Uint8Array | Date;

/** Options of {@link writeElement}. */
export interface EbmlWriteOptions {
  /** Width of the size field in bytes, 1 to 8; default: as short as the size allows. */
  readonly sizeLength?: number | undefined;
}

/**
 * Writes the header of an element: its id and data size (RFC 8794 sections 5 and 6).
 *
 * @param dataSize in bytes; `undefined` writes the unknown size
 * @throws RangeError when the size does not fit the wanted width, or is not an integer from 0 to 2^53 - 1
 */
export function writeHeader(
  type: EbmlElementType,
  dataSize: number | undefined,
  options: EbmlWriteOptions = {},
): Bytes {
  if (dataSize !== undefined && !(Number.isSafeInteger(dataSize) && dataSize >= 0)) {
    throw new RangeError(`${dataSize} is no data size`);
  }
  const least = dataSize === undefined ? 1 : sizeLength(dataSize);
  const width = options.sizeLength ?? least;
  if (!(Number.isInteger(width) && width >= least && width <= 8)) {
    throw new RangeError(`a data size of ${dataSize ?? 'unknown'} does not go into ${width} bytes`);
  }
  const bytes = new Uint8Array(idLength(type.id) + width);
  putSize(bytes, putId(bytes, 0, type.id), dataSize, width);
  return bytes;
}

/**
 * Writes the data of a value in the form of its type (RFC 8794 section 7): integers in as few bytes as hold them, at least one; floats in 8
 * bytes; strings in UTF-8; dates from a `Date` or as `bigint` nanoseconds since 2001-01-01T00:00:00Z; binary data as it is, not copied.
 *
 * @throws TypeError when the value is not of the element's type
 * @throws RangeError when an integer is out of the type's range
 */
export function writeValue(type: EbmlElementType, value: EbmlValue): Uint8Array {
  switch (type.type) {
    case 'uinteger':
      if (typeof value === 'number' || typeof value === 'bigint') return unsigned(value);
      break;
    case 'integer':
      if (typeof value === 'number' || typeof value === 'bigint') return signed(value);
      break;
    case 'float':
      if (typeof value === 'number') {
        const bytes = new Uint8Array(8);
        new DataView(bytes.buffer).setFloat64(0, value);
        return bytes;
      }
      break;
    case 'string':
    case 'utf-8':
      if (typeof value === 'string') return new TextEncoder().encode(value);
      break;
    case 'date': {
      const nanoseconds = value instanceof Date ? BigInt(value.getTime() - EBML_EPOCH_MS) * 1_000_000n : value;
      if (typeof nanoseconds === 'bigint') return fixed64(nanoseconds);
      break;
    }
    case 'binary':
      if (value instanceof Uint8Array) return value;
      break;
  }
  throw new TypeError(`${type.name} is a ${type.type} element and cannot hold ${typeof value}`);
}

/** Writes a whole data element: header and value. Throws as {@link writeHeader} and {@link writeValue}. */
export function writeElement(type: EbmlElementType, value: EbmlValue, options: EbmlWriteOptions = {}): Bytes {
  const data = writeValue(type, value);
  return concatBytes([writeHeader(type, data.length, options), data]);
}

/** Options of {@link writeMaster}. */
export interface EbmlWriteMasterOptions extends EbmlWriteOptions {
  /** Write the unknown size; the children are then not counted. */
  readonly unknownSize?: boolean | undefined;
}

/**
 * Writes a whole master element: the header, then copies of the children.
 *
 * @param children elements that are written already
 */
export function writeMaster(
  type: EbmlElementType,
  children: readonly Uint8Array[],
  options: EbmlWriteMasterOptions = {},
): Bytes {
  if (type.type !== 'master') throw new TypeError(`${type.name} is no master element`);
  let size = 0;
  for (const child of children) size += child.length;
  return concatBytes([writeHeader(type, options.unknownSize === true ? undefined : size, options), ...children]);
}

/** The parts behind each other in one array. */
export function concatBytes(parts: readonly Uint8Array[]): Bytes {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function unsigned(value: number | bigint): Uint8Array {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) {
    let length = 1;
    for (let limit = 256; value >= limit; limit *= 256) length++;
    const bytes = new Uint8Array(length);
    putUint(bytes, 0, value, length);
    return bytes;
  }
  if (typeof value !== 'bigint' || value < 0n || value >= 1n << 64n)
    throw new RangeError(`${value} is no unsigned integer of up to 64 bits`);
  return shorten(fixed64(value), 0);
}

function signed(value: number | bigint): Uint8Array {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) throw new RangeError(`${value} is no integer`);
  const exact = BigInt(value);
  if (exact !== BigInt.asIntN(64, exact)) throw new RangeError(`${value} is no integer of up to 64 bits`);
  return shorten(fixed64(exact), exact < 0n ? 0xff : 0, true);
}

function fixed64(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, value));
  return bytes;
}

/** Drops leading bytes that say nothing; a signed value keeps one whose top bit is its sign. */
function shorten(bytes: Uint8Array, filler: number, keepSign = false): Uint8Array {
  let start = 0;
  while (start < 7 && bytes[start] === filler && (!keepSign || (bytes[start + 1]! ^ filler) < 0x80)) start++;
  return bytes.slice(start);
}
