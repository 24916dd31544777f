import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PausableSocket, ReadTurns } from '../../src/client/read-turns.js';

const READ = 256 * 1024;
/** What libuv reads of one socket before it goes on to the next. */
const READS = 32;

/** A socket whose other side sends as much as it takes, or `rest` bytes. */
class FakeSocket implements PausableSocket {
  readonly destroyed = false;
  rest: number;
  got = 0;
  reading = true;
  #flowing = true;

  constructor(rest = Number.POSITIVE_INFINITY) {
    this.rest = rest;
  }

  isPaused() {
    return !this.#flowing;
  }

  pause() {
    this.#flowing = false;
    this.reading = false;
    return this;
  }

  resume() {
    this.#flowing = true;
    this.reading = true;
    return this;
  }
}

/** An event loop that reads from sockets as Node does. */
function setUp(sockets: readonly FakeSocket[], turnBytes: number, onRead: (socket: FakeSocket) => void = () => {}) {
  const immediates: (() => void)[] = [];
  const turns = new ReadTurns((callback) => immediates.push(callback), turnBytes);
  /** One turn; how much was read in it. */
  const turn = (shares = true) => {
    let read = 0;
    for (const socket of sockets) {
      for (let count = 0; count < READS && socket.reading && socket.rest > 0; count++) {
        const length = Math.min(READ, socket.rest);
        socket.rest -= length;
        socket.got += length;
        read += length;
        onRead(socket);
        if (shares && !turns.goesOn(socket, length)) socket.reading = false;
      }
    }
    for (const callback of immediates.splice(0)) callback();
    return read;
  };
  return { turn };
}

describe('turns of reading', () => {
  it('end when enough has been read, and all sockets get the same', () => {
    const sockets = Array.from({ length: 100 }, () => new FakeSocket());
    const { turn } = setUp(sockets, 20 * READ);
    turn();
    for (let i = 0; i < 50; i++) {
      expect(turn()).toBe(20 * READ);
      const got = sockets.map((socket) => socket.got).sort((a, b) => a - b);
      // The first ones have read until it was enough for the first time.
      expect((got.at(-1) ?? 0) - (got[0] ?? 0)).toBeLessThanOrEqual(21 * READ);
      expect((got[98] ?? 0) - (got[1] ?? 0)).toBeLessThanOrEqual(READ);
    }
  });

  it('are what keeps the platform from reading all that is there', () => {
    const { turn } = setUp(
      Array.from({ length: 100 }, () => new FakeSocket()),
      20 * READ,
    );
    expect(turn(false)).toBe(100 * READS * READ);
  });

  it('hold nobody back while there is little to read', () => {
    const sockets = Array.from({ length: 10 }, () => new FakeSocket(READ));
    const { turn } = setUp(sockets, 20 * READ);
    for (let i = 0; i < 10; i++) {
      turn();
      expect(sockets.every(({ reading }) => reading)).toBe(true);
      for (const socket of sockets) socket.rest += READ;
    }
  });

  it('forget no socket, whatever its user does meanwhile', () => {
    const actions = fc.array(fc.record({ socket: fc.nat(), action: fc.constantFrom('pause', 'resume', 'force') }), {
      maxLength: 200,
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 40 }), actions, (count, share, steps) => {
        const sockets = Array.from({ length: count }, () => new FakeSocket(20 * READ));
        const wanted = new Map(sockets.map((socket) => [socket, true]));
        const { turn } = setUp(sockets, share * READ, (socket) => expect(wanted.get(socket)).toBe(true));
        for (const { socket: index, action } of steps) {
          const socket = sockets[index % count];
          if (socket === undefined) continue;
          if (action === 'pause') socket.pause();
          else if (action === 'resume') socket.resume();
          // The platform makes a socket read that waits.
          else if (wanted.get(socket) === true) socket.reading = true;
          if (action !== 'force') wanted.set(socket, action === 'resume');
          if (index % 3 === 0) turn();
        }
        // Who is wanted to read gets all there is in the end; who is not gets nothing more.
        const paused = sockets.filter((socket) => wanted.get(socket) === false);
        const before = paused.map(({ got }) => got);
        for (let i = 0; i < 20 * count + 20; i++) turn();
        for (const socket of sockets) if (wanted.get(socket) === true) expect(socket.rest).toBe(0);
        expect(paused.map(({ got }) => got)).toEqual(before);
        for (const socket of sockets) {
          wanted.set(socket, true);
          socket.resume();
        }
        for (let i = 0; i < 20 * count + 20; i++) turn();
        expect(sockets.map(({ rest }) => rest)).toEqual(sockets.map(() => 0));
      }),
      { numRuns: 60 },
    );
  });
});
