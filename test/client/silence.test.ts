import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { Attempt } from '../../src/client/attempt.js';
import { openBody } from '../../src/client/body.js';
import { type Clock, systemClock } from '../../src/client/clock.js';
import { openAgents } from '../../src/client/node-agents.js';
import { Silence } from '../../src/client/silence.js';

/** Time that a test sets; its timers come as late as the test wants. */
class HeldClock implements Clock {
  time = 0;
  readonly timers = new Map<() => void, number>();

  now(): number {
    return this.time;
  }

  schedule(callback: () => void, ms: number): () => void {
    this.timers.set(callback, this.time + ms);
    return () => this.timers.delete(callback);
  }

  /** Moves on at once, and lets the timers come that were due by then. */
  jump(ms: number): void {
    this.time += ms;
    for (const [callback, at] of [...this.timers]) {
      if (at > this.time || !this.timers.delete(callback)) continue;
      callback();
    }
  }
}

describe('silence', () => {
  it('is told when nothing has come for as long', () => {
    const clock = new HeldClock();
    let told: number | undefined;
    const silence = new Silence(clock, 8000, () => {
      told = clock.time;
    });
    for (let step = 0; step < 50; step++) clock.jump(100);
    silence.heard();
    for (let step = 0; step < 200 && told === undefined; step++) clock.jump(100);
    expect(told).toBe(13_000);
    expect(clock.timers.size).toBe(0);
  });

  it('is not told of a process that stood still and had no time to listen', () => {
    const clock = new HeldClock();
    let told = false;
    const silence = new Silence(clock, 8000, () => {
      told = true;
    });
    for (let stall = 0; stall < 20; stall++) {
      clock.jump(60_000);
      expect(told).toBe(false);
      silence.heard();
    }
    silence.stop();
    expect(clock.timers.size).toBe(0);
  });

  it('is told after a while also by a process that keeps standing still', () => {
    const clock = new HeldClock();
    let told = false;
    new Silence(clock, 8000, () => {
      told = true;
    });
    let stalls = 0;
    for (; !told && stalls < 100; stalls++) clock.jump(60_000);
    expect(stalls).toBe(8);
  });

  it('never comes where the time has no end', () => {
    const clock = new HeldClock();
    new Silence(clock, Number.POSITIVE_INFINITY, () => {});
    expect(clock.timers.size).toBe(0);
  });
});

describe('a body', () => {
  const closers: (() => void)[] = [];
  afterEach(() => {
    for (const close of closers.splice(0)) close();
  });

  async function get(respond: (response: ServerResponse) => void, agent = openAgents()?.httpAgent) {
    const server = createServer((_, response) => respond(response)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const call = request({ host: '127.0.0.1', port, agent: agent as never }).end();
    const [response]: [IncomingMessage] = (await once(call, 'response')) as never;
    closers.push(() => {
      call.destroy();
      server.closeAllConnections();
      server.close();
    });
    return response;
  }

  it('does not fail when the process stands still for longer than the read timeout while bytes are waiting', async () => {
    let waiting: ServerResponse | undefined;
    const response = await get((answer) => {
      waiting = answer;
      answer.write('a');
    });
    const attempt = new Attempt('GetMedia', systemClock, 200, new AbortController().signal);
    attempt.open(response as never);
    await attempt.feed(() => true);
    const chunks: number[] = [];
    const fed = attempt.feed((chunk) => chunks.push(chunk?.length ?? -1) > 0);
    waiting?.write('bcd');
    // Nothing of this process runs meanwhile: no timer, and no reading from the socket.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 600);
    await fed;
    expect(chunks).toEqual([3]);
    await attempt.close();
  });

  it('comes to its end where sockets wait for their turns, whatever their users do', async () => {
    const size = 12_000_000;
    const part = Buffer.alloc(1_000_000, 1);
    const agent = openAgents()?.httpAgent;
    const read = async (index: number) => {
      const response = await get((answer) => {
        const write = (left: number) => {
          if (left === 0) answer.end();
          else answer.write(part, () => write(left - part.length));
        };
        write(size);
      }, agent);
      const body = openBody(response);
      let length = 0;
      let ended = false;
      while (!ended) {
        // Some are held back again and again: that is when a socket is paused and resumed.
        let most = index * 300_000;
        await body.feed((chunk) => {
          length += chunk?.length ?? 0;
          most -= chunk?.length ?? 0;
          ended = chunk === undefined;
          return ended || (index > 0 && most <= 0);
        });
        if (index % 2 === 1) await new Promise((resolve) => setTimeout(resolve, index % 3));
      }
      return length;
    };
    const lengths = await Promise.all(Array.from({ length: 8 }, (_, index) => read(index)));
    expect(lengths).toEqual(Array(8).fill(size));
  });

  it('comes whole over sockets that read into one buffer, however it is taken', async () => {
    const bytes = Buffer.alloc(3_000_000);
    for (let i = 0; i < bytes.length; i += 4) bytes.writeUInt32LE(i, i);
    const agent = openAgents()?.httpAgent;
    const bodies = await Promise.all(
      Array.from({ length: 6 }, async () =>
        openBody(
          await get((answer) => {
            for (let i = 0; i < bytes.length; i += 70_001) answer.write(bytes.subarray(i, i + 70_001));
            answer.end();
          }, agent),
        ),
      ),
    );
    const read = async (body: (typeof bodies)[number], most: number) => {
      const chunks: Uint8Array[] = [];
      for (let ended = false; !ended; ) {
        let taken = 0;
        await body.feed((chunk) => {
          if (chunk === undefined) ended = true;
          else chunks.push(chunk);
          return ++taken >= most || chunk === undefined;
        });
        // Others read meanwhile.
        await new Promise((resolve) => setImmediate(resolve));
      }
      return Buffer.concat(chunks);
    };
    const all = await Promise.all(bodies.map((body, index) => read(body, 1 + index * 3)));
    for (const one of all) expect(one.equals(bytes)).toBe(true);
  });

  describe('whose chunks are copied', () => {
    const bytes = Buffer.alloc(900_000, 'kinesis');
    const send = (answer: ServerResponse) => {
      for (let i = 0; i < bytes.length; i += 70_001) answer.write(bytes.subarray(i, i + 70_001));
      answer.end();
    };

    /** What came, and the chunks that it came in. */
    async function take(stream: Readable, isCopied?: boolean, listener?: (chunk: Uint8Array) => void) {
      const chunks: Uint8Array[] = [];
      const copies: Buffer[] = [];
      const body = openBody(stream as never);
      if (listener !== undefined) stream.on('data', listener);
      await body.feed((chunk) => {
        if (chunk === undefined) return true;
        chunks.push(chunk);
        copies.push(Buffer.from(chunk));
        return false;
      }, isCopied);
      return { chunks, copy: Buffer.concat(copies) };
    }

    it('gives their memory back at once where it has made it', async () => {
      const { chunks, copy } = await take(await get(send), true);
      expect(copy.equals(bytes)).toBe(true);
      expect(chunks.map(({ length }) => length)).toEqual(chunks.map(() => 0));
      for (const isCopied of [false, undefined]) {
        const kept = await take(await get(send), isCopied);
        expect(Buffer.concat(kept.chunks).equals(bytes)).toBe(true);
      }
    });

    it('leaves what others have as well', async () => {
      const heard: Uint8Array[] = [];
      const taken = [
        await take(await get(send, new Agent() as never), true),
        await take(Readable.from([bytes]), true),
        await take(await get(send), true, (chunk) => heard.push(chunk)),
      ];
      for (const { chunks, copy } of taken) {
        expect(copy.equals(bytes)).toBe(true);
        expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
      }
      expect(Buffer.concat(heard).equals(bytes)).toBe(true);
      expect(bytes.length).toBe(900_000);
    });
  });

  it('fails where the connection ends before it', async () => {
    const response = await get((answer) => {
      answer.write('abc');
      setImmediate(() => answer.destroy());
    });
    const body = openBody(response);
    await expect(body.feed((chunk) => chunk === undefined)).rejects.toMatchObject({ code: 'ECONNRESET' });
    await expect(body.feed(() => true)).rejects.toMatchObject({ code: 'ECONNRESET' });
    const silent = new Readable({ read() {} });
    const closed = openBody(silent as never).feed(() => true);
    silent.destroy();
    await expect(closed).rejects.toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' });
  });
});
