import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it, test } from 'vitest';
import { type BrowserSession, bundleForBrowser, openBrowser } from '../support/browser.js';
import { temporaryFolder } from '../support/ffmpeg-media.js';
import { makeNalMixes, NAL_MIXES, nameOf } from '../support/nal-mixes.js';
import { describeNeeding, tools } from '../support/tools.js';

/** In the page: the README's loop, which counts pictures and samples. */
const PAGE = `
import { readFrames } from './src/index.ts';

async function decode(path, kind, options) {
  const isVideo = kind === 'video';
  const failures = [];
  const sizes = new Set();
  let count = 0;
  const output = (data) => {
    count += isVideo ? 1 : data.numberOfFrames;
    if (isVideo) sizes.add(data.displayWidth + 'x' + data.displayHeight);
    data.close();
  };
  const error = (cause) => failures.push(String(cause));
  const decoder = isVideo ? new VideoDecoder({ output, error }) : new AudioDecoder({ output, error });
  const configs = [];
  let track;
  try {
    for await (const frame of readFrames((await fetch(path)).body, { track: kind, ...options })) {
      if (track !== frame.track) {
        const config = isVideo ? frame.track.toVideoDecoderConfig(frame.data) : frame.track.toAudioDecoderConfig();
        if (config === undefined) return { failures: ['no configuration'], count, configs, sizes: [] };
        decoder.configure(config);
        configs.push(config.codec);
      }
      track = frame.track;
      const chunk = frame.toEncodedChunk();
      decoder.decode(isVideo ? new EncodedVideoChunk(chunk) : new EncodedAudioChunk(chunk));
    }
    await decoder.flush();
  } catch (cause) {
    failures.push(String(cause));
  }
  if (decoder.state !== 'closed') decoder.close();
  return { failures, count, configs, sizes: [...sizes] };
}

const supports = async (codec) => (await VideoDecoder.isConfigSupported({ codec })).supported === true;
globalThis.kvsDecode = { decode, supports };
`;

interface KvsDecode {
  decode(
    path: string,
    kind: 'video' | 'audio',
    options?: object,
  ): Promise<{ failures: string[]; count: number; configs: string[]; sizes: string[] }>;
  supports(codec: string): Promise<boolean>;
}
declare const kvsDecode: KvsDecode;

const VIDEO_CASES: readonly [string, string[], string[]][] = [
  ['nal-mix--h264-cpd_avcc-frames_ab-bare.mkv', ['avc1.64000b'], ['320x240']],
  ['nal-mix--h264-cpd_annexb-frames_len-inband.mkv', ['avc1.64000b'], ['320x240']],
  ['sps-vui--ends-in-timing-avcc.mkv', ['avc1.42c00d'], ['320x240']],
  ['sps-vui--reorder-too-large-annexb.mkv', ['avc1.42c00d'], ['320x240']],
  ['cpd-level0--avcc-zero.mkv', ['avc1.64000b'], ['320x240']],
  ['trailing-zero--annexb-leading-1.mkv', ['avc1.64000b'], ['320x240']],
  ['trailing-zero--len-1-zeros-behind.mkv', ['avc1.64000b'], ['320x240']],
  ['sar--sar-vui.mkv', ['avc1.64000c'], ['512x288']],
];

describeNeeding('frames in the format that a decoder wants', [tools('chromium', 'ffmpeg')], () => {
  const folder = temporaryFolder();
  let session: BrowserSession;
  let hasH265 = false;

  beforeAll(async () => {
    const type = 'video/x-matroska';
    const mixes = [...(await makeNalMixes('h264', folder)), ...(await makeNalMixes('h265', folder))];
    const names = [
      ...VIDEO_CASES.map(([name]) => name),
      'sets-apart--same-time.mkv',
      'nal-per-block--slices-apart-avcc.mkv',
      'sps-change--stale.mkv',
      'keyflags--all.mkv',
      'aac-adts--adts-cpd.mkv',
      'aac-adts--adts-nocpd.mkv',
      'aac-adts--raw-cpd-noaudio.mkv',
    ];
    session = await openBrowser({
      '/page.js': { type: 'text/javascript', body: await bundleForBrowser(PAGE) },
      ...Object.fromEntries(mixes.map(([mix, body]) => [`/${nameOf(mix)}.mkv`, { type, body }])),
      ...Object.fromEntries(names.map((name) => [`/${name}`, { type, body: readFileSync(`test/cases/${name}`) }])),
    });
    await session.page.addScriptTag({ url: '/page.js', type: 'module' });
    await session.page.waitForFunction(() => 'kvsDecode' in globalThis);
    hasH265 = await session.page.evaluate(() => kvsDecode.supports('hvc1.1.6.L60.90'));
  });
  afterAll(() => session?.close());

  const decode = (name: string, kind: 'video' | 'audio' = 'video', options: object = {}) =>
    session.page.evaluate(([path, what, more]) => kvsDecode.decode(path, what, more), [
      `/${name}`,
      kind,
      options,
    ] as const);

  test.each(NAL_MIXES.map((mix) => [nameOf(mix), mix] as const))('%s', async (name, mix) => {
    const { failures, count } = await decode(`${name}.mkv`);
    if (mix.codecPrivate === 'none' && !mix.inBand) {
      expect(count).toBe(0);
      expect(failures).not.toEqual([]);
    } else if (mix.codec === 'h265' && !hasH265) {
      expect(failures[0]).toMatch(/NotSupportedError|Unsupported/);
    } else {
      expect({ failures, count }).toEqual({ failures: [], count: 20 });
    }
  });

  test.each(VIDEO_CASES)('%s', async (name, configs, sizes) => {
    expect(await decode(name)).toEqual({ failures: [], count: 20, configs, sizes });
  });

  test.each(['sets-apart--same-time.mkv', 'nal-per-block--slices-apart-avcc.mkv'])(
    '%s: access units over several Blocks, joined',
    async (name) => {
      const { failures, count, configs } = await decode(name, 'video', { joinAccessUnits: true });
      expect({ failures, count, configs }).toEqual({ failures: [], count: 20, configs: ['avc1.64000b'] });
    },
  );

  it('a decoder is configured anew where parameter sets change', async () => {
    const { failures, count, configs, sizes } = await decode('sps-change--stale.mkv');
    expect({ failures, count, configs }).toEqual({ failures: [], count: 40, configs: ['avc1.64000b', 'avc1.640016'] });
    expect(sizes).toEqual(['320x240', '640x480']);
  });

  it('key frames are those that can be decoded by themselves, whatever their flags say', async () => {
    const { failures, count } = await decode('keyflags--all.mkv', 'video', { keyframesOnly: true });
    expect({ failures, count }).toEqual({ failures: [], count: 3 });
  });

  test.each(['aac-adts--adts-cpd.mkv', 'aac-adts--adts-nocpd.mkv', 'aac-adts--raw-cpd-noaudio.mkv'])(
    '%s: the sound decodes',
    async (name) => {
      const { failures, count, configs } = await decode(name, 'audio');
      expect({ failures, configs }).toEqual({ failures: [], configs: ['mp4a.40.2'] });
      expect(Math.abs(count - 33 * 1024)).toBeLessThan(2048);
    },
  );
});
