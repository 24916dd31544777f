import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Need } from './tools.js';

/** What an independent reader found in a capture. */
export interface CaptureFacts {
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
  /** How many elements of each name. */
  readonly counts: Readonly<Record<string, number>>;
  /** One for each Segment. */
  readonly fragments: readonly FragmentFacts[];
  /** Over the payloads of all frames, one after another. */
  readonly allFramesSha256: string;
}

/** What it found in one Segment. */
export interface FragmentFacts {
  readonly frames: number;
  readonly frameBytes: number;
  /** Values of the service's tags, by their names without AWS_KINESISVIDEO_. */
  readonly kvs: Readonly<Record<string, string>>;
  /** Names and values of the other tags, in order. */
  readonly producerTags: readonly (readonly [name: string, value: string])[];
}

const FOLDER = new URL('../../../shared/captures/', import.meta.url);

/** The need for the captures. */
export const CAPTURES: Need = {
  missing: existsSync(new URL('facts.json', FOLDER))
    ? undefined
    : `no captures in ${fileURLToPath(FOLDER)}, which is not part of the project`,
};

/** The facts of all captures. */
export function captureFacts(): readonly CaptureFacts[] {
  return JSON.parse(readFileSync(new URL('facts.json', FOLDER), 'utf8'));
}

/** The path of a capture. */
export function capturePath(file: string): string {
  return fileURLToPath(new URL(file, FOLDER));
}

/** The bytes of a capture. */
export function captureBytes(file: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(file, FOLDER)));
}

/**
 * The documents of a stream, cut where the four bytes of the EBML element's id stand. In the captures they stand nowhere else; tools
 * that read one document only are given them one by one.
 */
export function splitDocuments(bytes: Uint8Array): Uint8Array[] {
  const starts: number[] = [];
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const id = Buffer.of(0x1a, 0x45, 0xdf, 0xa3);
  for (let at = buffer.indexOf(id); at >= 0; at = buffer.indexOf(id, at + 4)) starts.push(at);
  return starts.map((start, index) => bytes.subarray(start, starts[index + 1]));
}
