import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeGetMediaFragment } from '../src/testing/get-media-writer.js';
import { fragmentInput } from './support/kvs-documents.js';

const CONTROL = '@aws-sdk/client-kinesis-video';
const MEDIA = '@aws-sdk/client-kinesis-video-media';
const ARCHIVED = '@aws-sdk/client-kinesis-video-archived-media';
const WEBCODECS = '@napi-rs/webcodecs';
const RESAMPLER = '@alexanderolsen/libsamplerate-js';

const PACKAGES = [CONTROL, MEDIA, ARCHIVED, 'bullmq', WEBCODECS, RESAMPLER, 'sharp'];
/** What is used of the package that the others of the SDK need first. */
const WHOLE_CONTROL = 'exports.KinesisVideoClient = class {}; exports.GetDataEndpointCommand = class {};';

/** Uses each optional package, and prints what is thrown. */
const PROGRAM = `
import { readFileSync } from 'node:fs';
import { FragmentListConsumer, GetMediaConsumer, images, PeerError } from 'kvs-parser/client';
import { readAudio, readPictures } from 'kvs-parser/decode';
import { StreamFleet } from 'kvs-parser/fleet';

const client = { config: {}, send: async () => ({ DataEndpoint: 'http://127.0.0.1:1' }) };
const range = { type: 'SERVER_TIMESTAMP', from: new Date(0), to: new Date(1000) };
const uses = {
  '${CONTROL}': () => new GetMediaConsumer({ streamName: 'door' })[Symbol.asyncIterator]().next(),
  '${MEDIA}': () => new GetMediaConsumer({ streamName: 'door', client })[Symbol.asyncIterator]().next(),
  '${ARCHIVED}': () => new FragmentListConsumer({ streamName: 'door', client, range }).list(),
  images: () => images({ streamName: 'door', client, range }).next(),
  bullmq: () => new StreamFleet({ redis: 'redis://127.0.0.1:1', connectTimeoutMs: 100 }).list(),
  '${WEBCODECS}': () => readPictures(readFileSync('camera.mkv'), { codecs: 'webcodecs' })[Symbol.asyncIterator]().next(),
  '${RESAMPLER}': () => readAudio(readFileSync('call.mkv'), { sampleRate: 16_000 })[Symbol.asyncIterator]().next(),
  async sharp() {
    for await (const picture of readPictures(readFileSync('jpeg.mkv'))) await picture.encode('png');
  },
};
const thrown = {};
for (const [name, use] of Object.entries(uses)) {
  thrown[name] = await use().then(() => 'nothing', ({ name, code, message }) => ({ name, code, message }));
}
console.log(JSON.stringify(thrown));
process.exit(0);
`;

interface Thrown {
  readonly name: string;
  readonly code: string;
  readonly message: string;
}

/** An installation as the tests make it, in which all of the optional packages are like this. */
interface Installation {
  readonly manifest?: string;
  /** Of its `index.js`; `undefined`: it has none. */
  readonly code: string | undefined;
}

const MANIFEST = JSON.stringify({ name: 'any', version: '1.0.0', main: './index.js' });

describe('an optional package', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kvs-peers-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  beforeAll(() => {
    // A copy, for a link would lead to where the packages are installed.
    const own = join(folder, 'node_modules/kvs-parser');
    mkdirSync(own, { recursive: true });
    cpSync('package.json', join(own, 'package.json'));
    cpSync('dist', join(own, 'dist'), { recursive: true, filter: (path) => !/dist\/(view|cli)$/.test(path) });
    cpSync('examples/recording/camera.mkv', join(folder, 'camera.mkv'));
    cpSync('test/cases/connect-5.mkv', join(folder, 'call.mkv'));
    const track = { number: 1, codecId: 'V_MJPEG', video: { pixelWidth: 4, pixelHeight: 4 } };
    const blocks = [{ track: 1, timestamp: 0, keyframe: true, frames: [Uint8Array.of(0xff, 0xd8, 0xff, 0xd9)] }];
    const jpeg = writeGetMediaFragment(fragmentInput(0, { tracks: [track], timestamp: 0, blocks }));
    writeFileSync(join(folder, 'jpeg.mkv'), jpeg);
    writeFileSync(join(folder, 'program.mjs'), PROGRAM);
  });

  /** What is thrown where all of these packages are installed like this, and the others not at all. */
  async function thrownWith(
    installation: Installation | undefined,
    names = PACKAGES.filter((name) => name !== CONTROL),
  ): Promise<Record<string, Thrown>> {
    for (const name of PACKAGES) rmSync(join(folder, 'node_modules', name), { recursive: true, force: true });
    if (!names.includes(CONTROL)) install(CONTROL, { code: WHOLE_CONTROL });
    if (installation !== undefined) for (const name of names) install(name, installation);
    const env = { ...process.env, AWS_REGION: 'local', PATH: '' };
    const { stdout } = await promisify(execFile)(process.execPath, [resolve(folder, 'program.mjs')], {
      cwd: folder,
      env,
    });
    return JSON.parse(stdout);
  }

  function install(name: string, { manifest = MANIFEST, code }: Installation): void {
    const path = join(folder, 'node_modules', name);
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, 'package.json'), manifest);
    if (code !== undefined) writeFileSync(join(path, 'index.js'), code);
  }

  it('that is not installed is told to be installed', async () => {
    const thrown = await thrownWith(undefined);
    for (const [name, needed] of [
      [MEDIA, MEDIA],
      [ARCHIVED, ARCHIVED],
      ['images', ARCHIVED],
    ] as const) {
      expect(thrown[name]).toMatchObject({
        code: 'PeerMissing',
        message: expect.stringContaining(`kvs-parser/client needs the package ${needed}: install it`),
      });
    }
    expect(thrown['bullmq']).toMatchObject({ name: 'PeerError', code: 'PeerMissing' });
    expect(thrown[WEBCODECS]).toMatchObject({
      code: 'NoDecoder',
      message: expect.stringContaining(`install ${WEBCODECS}`),
    });
    expect(thrown[RESAMPLER]).toMatchObject({
      code: 'NoResampler',
      message: expect.stringContaining(`install ${RESAMPLER}`),
    });
    expect(thrown['sharp']).toMatchObject({
      code: 'NoImageLibrary',
      message: expect.stringContaining('install sharp'),
    });
  });

  it('that all the others of the SDK need is named first', async () => {
    const code = "throw new Error('no such address');";
    const missing = await thrownWith(undefined, PACKAGES);
    const broken = await thrownWith({ code }, PACKAGES);
    for (const name of [CONTROL, MEDIA]) {
      const text = `kvs-parser/client needs the package ${CONTROL}: install it`;
      expect(missing[name]).toMatchObject({ code: 'PeerMissing', message: expect.stringContaining(text) });
      const reason = `the package ${CONTROL} does not load: no such address`;
      expect(broken[name]).toMatchObject({ code: 'PeerBroken', message: expect.stringContaining(reason) });
    }
  });

  it.each([
    ['throws', { code: "throw new Error('GLIBC_2.99 not found');" }, /GLIBC_2\.99 not found/],
    ['is no JavaScript', { code: 'exports.x = {;' }, /Unexpected token/],
    ['lacks a dependency', { code: "require('@smithy/core');" }, /Cannot find module '@smithy\/core'/],
    [
      'lacks its file',
      { manifest: MANIFEST.replace('index', 'dist/index'), code: undefined },
      /Cannot find .*dist\/index\.js/,
    ],
    ['has half a manifest', { manifest: '{ "name": "an', code: '' }, /package\.json/],
    ['is empty', { code: '' }, /incomplete|another kind/],
    ['is another one', { code: 'exports.other = () => {};' }, /another version|older|another kind/],
  ] satisfies [string, Installation, RegExp][])('that %s says so', async (_, installation, reason) => {
    const thrown = await thrownWith(installation);
    const others = Object.entries(thrown).filter(([name]) => name !== CONTROL);
    expect(others).toHaveLength(7);
    for (const [name, { code, message }] of others) {
      expect(message, name).toMatch(reason);
      expect(message, name).not.toMatch(/\binstall\b/);
      expect(['PeerBroken', 'NoDecoder', 'NoResampler', 'NoImageLibrary'], name).toContain(code);
    }
  });
});
