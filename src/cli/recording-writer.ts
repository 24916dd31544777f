import { createReadStream } from 'node:fs';
import type { Fragment } from '../fragments/fragment.js';
import { ChunkMerger } from '../merge/chunk-merger.js';
import type { OutputFile } from './output-file.js';
import type { Documents } from './service.js';

/** What was written. */
export interface RecordingSummary {
  /** Size of the file. */
  readonly bytes: number;
  /** Matroska documents in it; a change of the tracks begins another. */
  readonly documents: number;
}

/** A recording that is over. */
export interface Recording extends RecordingSummary {
  /** Why it is over, where it is so before its time: the source failed, or a write. */
  readonly failure: { readonly error: unknown } | undefined;
}

/** Whether a recording with this name is to be an MP4. */
export function isMp4(path: string): boolean {
  return /\.(mp4|m4v|m4a)$/i.test(path);
}

/**
 * Writes fragments as one Matroska document, for as long as their tracks are the same. When reading or writing fails, `bytes` of the
 * result end with the last fragment that was written whole.
 *
 * @param onWritten is told of each fragment that was
 */
export async function writeMkv(
  documents: Documents,
  output: OutputFile,
  tell: (text: string) => void,
  onWritten: (fragment: Fragment, bytes: readonly Uint8Array[]) => void,
): Promise<Recording> {
  const chunks = new ChunkMerger({ onNewDocument: ({ message }) => tell(`a new document starts: ${message}`) });
  let whole: RecordingSummary = { bytes: 0, documents: 0 };
  let written = 0;
  const write = async (pieces: readonly Uint8Array[]) => {
    for (const piece of pieces) {
      await output.write(piece);
      written += piece.length;
    }
  };
  try {
    for await (const { fragment, bytes } of documents) {
      for (const chunk of bytes) await write(chunks.push(chunk));
      whole = { bytes: written, documents: chunks.merger.counters.documentsOut };
      onWritten(fragment, bytes);
    }
    await write(chunks.end());
  } catch (error) {
    return { ...whole, failure: { error } };
  }
  return { bytes: written, documents: chunks.merger.counters.documentsOut, failure: undefined };
}

/** Makes an MP4 of a recording. What cannot go into it is told of and left out. */
export async function writeMp4(
  recording: string,
  output: OutputFile,
  tell: (text: string) => void,
): Promise<RecordingSummary> {
  // Matroska has no need of it.
  const { remuxToMp4 } = await import('../mp4/remux-to-mp4.js');
  const { bytes } = await remuxToMp4(createReadStream(recording), (piece) => output.write(piece), {
    // A recording may be of any length: its media is not kept until the end.
    moov: 'last',
    onInvalidFragment: (error) => tell(`a fragment is left out: ${error.message}`),
  });
  return { bytes, documents: 1 };
}
