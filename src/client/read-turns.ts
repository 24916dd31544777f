/** What all sockets together read in one turn of the event loop, in bytes; then each is done with the read it is in. */
const TURN_BYTES = 8 * 1024 * 1024;

/** The part of a socket that is used. */
export interface PausableSocket {
  readonly destroyed: boolean;
  isPaused(): boolean;
  pause(): unknown;
  resume(): unknown;
}

/** What is known of a socket that waits for its turn. */
interface Held {
  /** How much it has read the last time. */
  readonly length: number;
  /** Whether whoever uses the socket wants it to read. */
  wanted: boolean;
}

/**
 * Shares the turns of the event loop among sockets. Where more arrives than the process can deal with, the platform reads from each socket all
 * that is there before it goes on: the event loop stands still, and streams are served as it happens. Here a turn ends for a socket when
 * all of them together have read enough. It then waits, and those that wait go on in the order in which they came.
 */
export class ReadTurns {
  readonly #nextTurn: (callback: () => void) => void;
  readonly #turnBytes: number;
  /** In the order in which they came. */
  readonly #held = new Map<PausableSocket, Held>();
  #read = 0;
  #isScheduled = false;

  /**
   * @param nextTurn calls back in the next turn of the event loop
   * @param turnBytes how much is read in a turn
   */
  constructor(nextTurn: (callback: () => void) => void, turnBytes = TURN_BYTES) {
    this.#nextTurn = nextTurn;
    this.#turnBytes = turnBytes;
  }

  /**
   * A socket has read something, which has been dealt with.
   *
   * @returns whether it may read more in this turn; else it has to stop, and is resumed when it is its turn
   */
  goesOn(socket: PausableSocket, length: number): boolean {
    this.#read += length;
    // To ask for every turn would make the event loop go round once more for each chunk; a turn that ends a little early does no harm.
    if (this.#read >= this.#turnBytes / 2) this.#schedule();
    // One that the platform has made read all the same still waits.
    if (this.#held.has(socket)) return false;
    // While others wait, one does not read twice before them. One that its user has paused does not wait for a turn.
    const isEnough = this.#read >= this.#turnBytes || this.#held.size > 0;
    if (!isEnough || socket.destroyed || socket.isPaused()) return true;
    this.#hold(socket, length);
    return false;
  }

  /** While it waits, nobody makes it read: that someone wants it to is remembered. */
  #hold(socket: PausableSocket, length: number): void {
    const held: Held = { length, wanted: true };
    const { pause } = socket;
    socket.pause = () => {
      held.wanted = false;
      return pause.call(socket);
    };
    socket.resume = () => {
      held.wanted = true;
      return socket;
    };
    this.#held.set(socket, held);
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#nextTurn(() => this.#begin());
  }

  #begin(): void {
    this.#isScheduled = false;
    this.#read = 0;
    let expected = 0;
    for (const [socket, { length, wanted }] of this.#held) {
      if (expected >= this.#turnBytes) break;
      expected += length;
      this.#held.delete(socket);
      // The methods of its class again.
      Reflect.deleteProperty(socket, 'pause');
      Reflect.deleteProperty(socket, 'resume');
      if (wanted && !socket.destroyed) socket.resume();
    }
    if (this.#held.size > 0) this.#schedule();
  }
}
