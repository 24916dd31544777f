import { ChunkMerger } from '../merge/chunk-merger.js';
import type { OutputFile } from './output-file.js';

/** What was written. */
export interface RecordingSummary {
  /** Size of the file. */
  readonly bytes: number;
  /** Matroska documents in it; a change of the tracks begins another. */
  readonly documents: number;
}

/** Whether a recording with this name is to be an MP4. */
export function isMp4(path: string): boolean {
  return /\.(mp4|m4v|m4a)$/i.test(path);
}

/** Writes fragments as one Matroska document, for as long as their tracks are the same. */
export async function writeMkv(
  source: AsyncIterable<Uint8Array>,
  output: OutputFile,
  tell: (text: string) => void,
): Promise<RecordingSummary> {
  const chunks = new ChunkMerger({ onNewDocument: ({ message }) => tell(`a new document begins: ${message}`) });
  for await (const chunk of source) for (const piece of chunks.push(chunk)) await output.write(piece);
  for (const piece of chunks.end()) await output.write(piece);
  const { bytes, documentsOut } = chunks.merger.counters;
  return { bytes, documents: documentsOut };
}

/** Writes fragments as one MP4. What cannot go into it is told of and left out. */
export async function writeMp4(
  source: AsyncIterable<Uint8Array>,
  output: OutputFile,
  tell: (text: string) => void,
): Promise<RecordingSummary> {
  // Matroska has no need of it.
  const { remuxToMp4 } = await import('../mp4/remux-to-mp4.js');
  const { bytes } = await remuxToMp4(source, (piece) => output.write(piece), {
    // A recording may be of any length: its media is not kept until the end.
    moov: 'last',
    onInvalidFragment: (error) => tell(`a fragment is left out: ${error.message}`),
  });
  return { bytes, documents: 1 };
}
