/** A redis-server of its own, on a free port, that keeps what it has (AOF) over restarts. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export class RedisServer {
  #folder = mkdtempSync(join(tmpdir(), 'kvs-redis-'));
  #process;

  static async start() {
    const server = new RedisServer();
    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    server.port = probe.address().port;
    probe.close();
    await server.start();
    return server;
  }

  get url() {
    return `redis://127.0.0.1:${this.port}`;
  }

  async start() {
    const options = [
      '--port',
      this.port,
      '--bind',
      '127.0.0.1',
      '--dir',
      this.#folder,
      '--save',
      '',
      '--appendonly',
      'yes',
    ];
    this.#process = spawn('redis-server', [...options.map(String), '--maxmemory-policy', 'noeviction'], {
      stdio: 'ignore',
    });
    this.#process.on('error', () => {});
    for (let tries = 0; tries < 200; tries++) {
      if (await this.#answers()) return;
      await sleep(50);
    }
    throw new Error('redis-server does not start');
  }

  /** @param signal SIGTERM lets it write what it has */
  async stop(signal = 'SIGTERM') {
    const ended = once(this.#process, 'exit');
    this.#process.kill(signal);
    await ended;
  }

  async remove() {
    if (this.#process.exitCode === null && this.#process.signalCode === null) await this.stop('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #answers() {
    return new Promise((resolve) => {
      const socket = connect(this.port, '127.0.0.1', () => socket.write('PING\r\n'));
      socket.once('data', (data) => {
        socket.destroy();
        resolve(String(data).startsWith('+PONG'));
      });
      socket.once('error', () => resolve(false));
    });
  }
}
