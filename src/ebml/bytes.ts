/**
 * Bytes in memory that is not shared with other threads: what the platform takes for a Blob, a request's body or a SourceBuffer. It is
 * `Uint8Array<ArrayBuffer>`, of which TypeScript below 5.7 knows no parameter.
 */
export type Bytes = ReturnType<Uint8Array['slice']>;

/** The same bytes; a copy where their memory is shared: others could change it while it is read. */
export function unshared(bytes: Uint8Array): Bytes {
  return isUnshared(bytes) ? bytes : new Uint8Array(bytes);
}

function isUnshared(bytes: Uint8Array): bytes is Bytes {
  return typeof SharedArrayBuffer === 'undefined' || !(bytes.buffer instanceof SharedArrayBuffer);
}

/** Whether two arrays hold the same bytes. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** The bytes from `start` to `end`, as a plain array: `subarray` of a `Buffer`, as chunks in Node are, makes another of them, and slowly. */
export function viewOf(bytes: Bytes, start: number, end: number): Bytes;
export function viewOf(bytes: Uint8Array, start: number, end: number): Uint8Array;
export function viewOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start);
}
