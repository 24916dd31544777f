import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { scriptedFaults } from '../../src/testing/faults.js';
import { startLocalKinesisVideo } from '../../src/testing/local-kinesis-video.js';
import type { ServedSources } from '../../src/view/protocol.js';
import { kvs } from '../support/cli.js';
import { describeNeeding, tools } from '../support/tools.js';
import { startView } from '../support/view-command.js';
import { isOver, open } from '../view/support.js';

const RECORDING = 'examples/recording/camera.mkv';
const running: ChildProcess[] = [];

afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
});

/** Starts `kvs view`, for a test: it is killed when the test has ended. */
async function start(words: readonly string[], input?: Uint8Array) {
  const started = await startView(words, input);
  running.push(started.child);
  return started;
}

async function sources(page: string): Promise<ServedSources> {
  return (await fetch(`${page}source.json`)).json();
}

/** Asks as a browser would that was made to call this machine by another name. */
function statusFor(url: string, headers: Record<string, string>): Promise<number | undefined> {
  const { port, pathname } = new URL(url);
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path: pathname, headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });
}

describe('kvs view FILE', () => {
  let page = '';
  let child: ChildProcess;
  let ended: Promise<unknown>;

  beforeAll(async () => {
    ({ page, child, ended } = await start([RECORDING]));
    // It is for all of these tests.
    running.splice(0);
  });

  afterAll(() => {
    child.kill('SIGKILL');
  });

  it('serves the page and the file to who has the address', async () => {
    const response = await fetch(page);
    expect(response.status).toBe(200);
    const html = await response.text();
    expect(html).toContain('<meta name="kvs-source" content="source.json">');
    expect(response.headers.get('content-security-policy')).toMatch(/default-src 'none'.*script-src 'self';/);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'same-origin',
    });
    for (const [, path] of html.matchAll(/(?:src|href)="(\.\/[^"]+)"/g)) {
      expect((await fetch(new URL(String(path), page))).status).toBe(200);
    }
    expect((await fetch(`${page}worker.js`)).headers.get('content-type')).toContain('text/javascript');
    const size = readFileSync(RECORDING).length;
    expect(await sources(page)).toEqual({ files: [{ name: 'camera.mkv', size, url: 'file/0' }] });
  });

  it('gives exactly the range that is asked for', async () => {
    const bytes = readFileSync(RECORDING);
    const size = bytes.length;
    const ask = async (range: string) => {
      const response = await fetch(`${page}file/0`, { headers: { range } });
      return { response, body: Buffer.from(await response.arrayBuffer()) };
    };
    const ranges: [string, number, number][] = [
      ['bytes=0-0', 0, 1],
      ['bytes=100-299', 100, 300],
      [`bytes=${size - 5}-`, size - 5, size],
      ['bytes=-7', size - 7, size],
      [`bytes=10-${size * 2}`, 10, size],
    ];
    for (const [range, from, to] of ranges) {
      const { response, body } = await ask(range);
      expect([range, response.status]).toEqual([range, 206]);
      expect(response.headers.get('content-range')).toBe(`bytes ${from}-${to - 1}/${size}`);
      expect(Buffer.compare(body, bytes.subarray(from, to))).toBe(0);
    }
    const beyond = await ask(`bytes=${size}-`);
    expect([beyond.response.status, beyond.response.headers.get('content-range')]).toEqual([416, `bytes */${size}`]);
    expect(Buffer.compare(Buffer.from(await (await fetch(`${page}file/0`)).arrayBuffer()), bytes)).toBe(0);
    const head = await fetch(`${page}file/0`, { method: 'HEAD' });
    expect(head.headers.get('content-length')).toBe(String(size));
  });

  it('refuses who does not have the address, other sites, and other names of this machine', async () => {
    const { origin, host, pathname } = new URL(page);
    const wrong = pathname.replace(/.(?=\/$)/, (last) => (last === 'A' ? 'B' : 'A'));
    for (const path of ['/', '/index.html', '/source.json', '/file/0', wrong, `${wrong}file/0`, '/live']) {
      const response = await fetch(origin + path);
      expect([path, response.status]).toEqual([path, 403]);
      expect(await response.text()).not.toContain(pathname);
    }
    for (const path of ['..%2f..%2fpackage.json', '../cli/main.js', 'file/1', 'file/-1', 'live', 'cli/main.js']) {
      const { status } = await fetch(page + path);
      expect([path, [403, 404].includes(status)]).toEqual([path, true]);
    }
    const file = `${page}file/0`;
    expect(await statusFor(file, { host })).toBe(200);
    expect(await statusFor(file, { host: 'evil.example' })).toBe(403);
    expect(await statusFor(file, { host: `rebound.example:${new URL(page).port}` })).toBe(403);
    expect(await statusFor(file, { host, origin: 'https://evil.example' })).toBe(403);
    expect(await statusFor(file, { host, origin: 'null' })).toBe(403);
    // Another page of this machine is another site as well.
    expect(await statusFor(file, { host, origin: 'http://localhost:3000' })).toBe(403);
    expect(await statusFor(file, { host, origin })).toBe(200);
    expect(await statusFor(file, { host, 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'video' })).toBe(403);
    expect(await statusFor(page, { host, 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'document' })).toBe(200);
    const answer = await fetch(file, { headers: { origin } });
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    await answer.body?.cancel();
    expect((await fetch(file, { method: 'POST', body: 'x' })).status).toBe(405);
  });

  it('takes several files, and standard input, at another address each time', async () => {
    const bytes = readFileSync(RECORDING);
    const { page: other } = await start([RECORDING, '-'], bytes);
    const secrets = [page, other].map((url) => new URL(url).pathname);
    expect(secrets[0]).toMatch(/^\/[\w-]{32}\/$/);
    expect(secrets[0]).not.toBe(secrets[1]);
    const { files } = await sources(other);
    expect(files.map(({ name, size }) => [name, size])).toEqual([
      ['camera.mkv', bytes.length],
      ['standard input', bytes.length],
    ]);
    const piped = await fetch(`${other}file/1`);
    expect(Buffer.compare(Buffer.from(await piped.arrayBuffer()), bytes)).toBe(0);
  });

  it('is read by the worker in ranges', async () => {
    const size = readFileSync(RECORDING).length;
    const { model, until, inspection } = await open({ kind: 'url', url: `${page}file/0`, name: 'camera.mkv', size });
    await until(isOver);
    expect(model.state).toMatchObject({ phase: 'done', bytesRead: size });
    expect(model.fragments).toHaveLength(8);
    const { elements } = await inspection.ask('children', { parent: undefined, from: 0, count: 2 });
    expect(elements.map(({ name }) => name)).toEqual(['EBML', 'Segment']);
  });

  it('ends when it is interrupted, with a reader in the middle', async () => {
    const response = await fetch(`${page}file/0`);
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    await response.body?.cancel().catch(() => {});
  });

  it.each([
    [['view'], 'FILE is missing'],
    [['view', RECORDING, '--port', '70000'], '--port 70000'],
    [['view', RECORDING, '--start', 'earliest'], '--stream'],
    [['view', RECORDING, '--stream', 'door'], 'cannot be used together'],
  ])('%s is wrong', (words, message) => {
    const { status, stderr } = kvs(words);
    expect([status, stderr]).toEqual([2, expect.stringContaining(message)]);
  });

  it('says what cannot be read', () => {
    const { status, stderr } = kvs(['view', 'no-such-file.mkv', '--json']);
    expect([status, stderr]).toEqual([1, 'kvs: no-such-file.mkv: no such file or directory (ENOENT)\n']);
  });

  it('fails a test that starts it at once when it ends at once', async () => {
    await expect(start(['no-such-file.mkv'])).rejects.toThrow(/ended with code 1: kvs: no-such-file\.mkv: /);
  });
});

describe('kvs view --stream', () => {
  it('grows as fragments come, shows a reconnect, and drops the oldest', async () => {
    const camera = { source: RECORDING, realtime: true, loop: true, speed: 8 };
    const faults = scriptedFaults([{ operation: 'GetMedia', faults: [{ kind: 'cut', afterBytes: 600_000 }] }]);
    const server = await startLocalKinesisVideo({ streams: { camera }, faults });
    try {
      const { page, child, ended } = await start(['--stream', 'camera', '--endpoint', server.endpoint]);
      const { live } = await sources(page);
      expect(live).toEqual({ name: 'camera', url: 'live' });
      const { model, until, inspection } = await open(
        { kind: 'live', url: `${page}live`, name: 'camera' },
        { window: { maxFragments: 4 } },
      );
      await until(({ firstFragment, events }) => firstFragment > 2 && events.some(({ kind }) => kind === 'reconnect'));
      expect(model.state.phase).toBe('live');
      expect(model.events[0]?.kind).toBe('open');
      expect(model.fragments.length).toBeLessThanOrEqual(5);
      expect(model.frames.first).toBe(model.fragments[0]?.firstFrame);
      expect(model.firstOffset).toBe(model.fragments[0]?.offset);
      expect(model.delay).toBeGreaterThan(-60_000);
      // What is there can still be had, what has gone cannot.
      const newest = model.frames.end - 1;
      expect((await inspection.ask('picture', { frame: newest })).problem).toBeUndefined();
      const file = await inspection.ask('fragment', { fragment: model.firstFragment });
      expect([...file.bytes.subarray(0, 4)]).toEqual([0x1a, 0x45, 0xdf, 0xa3]);
      await expect(inspection.ask('frame', { frame: 0 })).rejects.toThrow('no longer held');
      child.kill('SIGINT');
      expect(await ended).toBe(130);
      await until(isOver);
      expect(model.state.error).toBeDefined();
    } finally {
      await server.close();
    }
  });

  it('leaves nothing behind when the page goes', async () => {
    let calls = 0;
    const camera = { source: RECORDING, realtime: true, loop: true, speed: 8 };
    const server = await startLocalKinesisVideo({
      streams: { camera },
      faults: (call) => {
        if (call.operation === 'GetMedia') calls++;
        return [];
      },
    });
    try {
      const { page } = await start(['--stream', 'camera', '--endpoint', server.endpoint]);
      for (let visit = 1; visit <= 5; visit++) {
        const gone = new AbortController();
        const response = await fetch(`${page}live`, { signal: gone.signal });
        // More pages than may watch at once come one after another.
        await expect.poll(() => calls, { timeout: 20_000 }).toBeGreaterThanOrEqual(visit);
        expect(response.status).toBe(200);
        gone.abort();
      }
    } finally {
      await server.close();
    }
  });

  it('shows what is stored of a stretch of time, and ends there', async () => {
    const server = await startLocalKinesisVideo({ streams: { camera: { source: RECORDING } } });
    try {
      const span = ['--from', '2000-01-01T00:00:00Z', '--to', '2100-01-01T00:00:00Z'];
      const { page } = await start(['--stream', 'camera', '--endpoint', server.endpoint, ...span]);
      const { model, until } = await open({ kind: 'live', url: `${page}live`, name: 'camera' });
      await until(isOver);
      expect(model.state).toMatchObject({ phase: 'done', error: undefined });
      expect(model.fragments.map(({ open: isOpen, gap }) => [isOpen, gap])).toEqual(Array(8).fill([false, undefined]));
    } finally {
      await server.close();
    }
  });

  it('says why there is nothing', async () => {
    const server = await startLocalKinesisVideo({ streams: {} });
    try {
      const { page } = await start(['--stream', 'nowhere', '--endpoint', server.endpoint]);
      const { model, until } = await open({ kind: 'live', url: `${page}live`, name: 'nowhere' });
      await until(isOver);
      expect(model.state).toMatchObject({ phase: 'failed', error: expect.stringContaining('ResourceNotFound') });
    } finally {
      await server.close();
    }
  });
});

describeNeeding('kvs view on a terminal', [tools('script')], () => {
  /** Runs it on a terminal whose browser writes down what it is given. */
  async function run(option: string): Promise<{ printed: string; opened: () => string | undefined }> {
    const folder = mkdtempSync(join(tmpdir(), 'kvs-view-'));
    const note = join(folder, 'opened');
    writeFileSync(join(folder, 'xdg-open'), `#!/bin/sh\nprintf %s "$1" > ${note}.part && mv ${note}.part ${note}\n`, {
      mode: 0o755,
    });
    const command = `${process.execPath} dist/cli/main.js view ${RECORDING} ${option}`;
    const child = spawn('script', ['-qec', command, '/dev/null'], {
      env: { ...process.env, PATH: `${folder}:${process.env['PATH']}` },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    running.push(child);
    let printed = '';
    for await (const text of child.stdout.setEncoding('utf8')) {
      printed += text;
      if (printed.includes('Press Ctrl-C')) break;
    }
    return { printed, opened: () => (existsSync(note) ? readFileSync(note, 'utf8') : undefined) };
  }

  it.runIf(process.platform === 'linux')('opens a browser at its address, unless it is told not to', async () => {
    const { printed, opened } = await run('');
    await expect.poll(opened, { timeout: 20_000 }).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[\w-]{32}\/$/);
    expect(printed).toContain(opened());
    const silent = await run('--no-open');
    expect(silent.printed).toMatch(/http:\/\/127\.0\.0\.1:\d+\//);
    expect(silent.opened()).toBeUndefined();
  });
});

describe('the package', () => {
  let own: { path: string; size: number }[] = [];

  beforeAll(() => {
    const words = ['pack', '--dry-run', '--json', '--ignore-scripts'];
    const [{ files }]: [{ files: typeof own }] = JSON.parse(
      execFileSync('npm', words, { encoding: 'utf8', stdio: 'pipe' }),
    );
    own = files.filter(({ path }) => /^(dist|src)\/(view\/|cli\/(view|live-envelope|open-url))/.test(path));
  });

  it('has the page, without its sources', () => {
    const paths = own.map(({ path }) => path);
    expect(paths).toEqual(expect.arrayContaining(['dist/view/index.html', 'dist/view/worker.js', 'dist/cli/view.js']));
    expect(paths.filter((path) => path.startsWith('src/view'))).toEqual([]);
    expect(paths.filter((path) => /^dist\/view\/.*\.(d\.ts|map)$/.test(path))).toEqual([]);
  });

  it('grows by no more than 400 kB for it, as it is downloaded', () => {
    const packed = own.reduce((sum, { path }) => sum + gzipSync(readFileSync(path)).length, 0);
    expect(packed).toBeGreaterThan(50_000);
    expect(packed).toBeLessThan(400_000);
  });

  it('loads none of it for who imports the library', () => {
    const entries = ['index', 'client/index', 'mp4/index', 'decode/index', 'hls/index', 'fleet/index', 'testing/index'];
    const seen = new Set<string>();
    const visit = (file: string) => {
      if (seen.has(file)) return;
      seen.add(file);
      for (const [, path] of readFileSync(file, 'utf8').matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)) {
        visit(join(dirname(file), String(path)));
      }
    };
    for (const entry of entries) visit(join('dist', `${entry}.js`));
    expect(seen.size).toBeGreaterThan(100);
    expect([...seen].filter((file) => /^dist\/(view|cli)\//.test(file))).toEqual([]);
  });
});
