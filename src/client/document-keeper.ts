interface Piece {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** Keeps the bytes of the document that is being read, and gives those of each fragment, without copying any. */
export class DocumentKeeper {
  readonly #pieces: Piece[] = [];
  #length = 0;
  #start = 0;

  /** The next bytes of the stream. */
  push(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#pieces.push({ offset: this.#length, bytes });
    this.#length += bytes.length;
  }

  /** A document begins here: what lies before is not wanted any more. */
  begin(offset: number): void {
    this.#start = offset;
    const kept = this.#pieces.findIndex((piece) => piece.offset + piece.bytes.length > offset);
    this.#pieces.splice(0, kept < 0 ? this.#pieces.length : kept);
  }

  /** A fragment ends here: its bytes from the beginning of its document, or behind the fragment before it in the same one. */
  take(end: number): Uint8Array[] {
    const start = this.#start;
    this.#start = end;
    return this.#pieces
      .filter(({ offset, bytes }) => offset < end && offset + bytes.length > start)
      .map(({ offset, bytes }) => bytes.subarray(Math.max(0, start - offset), end - offset));
  }
}
