import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ALL_FORMATS, BufferSource, EncodedPacketSink, Input } from 'mediabunny';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { saveClip, saveLastHour } from '../../examples/recipes/save-clip.js';
import { readFrames } from '../../src/index.js';
import { type LocalKinesisVideo, scriptedFaults } from '../../src/testing/index.js';
import { clientConfigOf, FRAGMENTS, RECORDING, startDoor, withFolder } from './support.js';

let local: LocalKinesisVideo;
beforeAll(async () => {
  local = await startDoor();
});
afterAll(() => local.close());

const hour = () => ({ streamName: 'door', from: new Date(Date.now() - 3_600_000), to: new Date() });

it('writes the last hour as an MP4 file with every frame', async () => {
  await withFolder(async (folder) => {
    const path = join(folder, 'clip.mp4');
    const result = await saveLastHour({ streamName: 'door', clientConfig: clientConfigOf(local) }, path);
    expect(result).toMatchObject({ fragments: FRAGMENTS, truncated: false, leftOut: [] });
    expect(readdirSync(folder)).toEqual(['clip.mp4']);

    const sizes: number[] = [];
    for await (const { size } of readFrames(new Uint8Array(readFileSync(RECORDING)), { track: 'video' }))
      sizes.push(size);
    const input = new Input({ source: new BufferSource(new Uint8Array(readFileSync(path))), formats: ALL_FORMATS });
    const track = await input.getPrimaryVideoTrack();
    if (track === null) throw new Error('there is no video');
    const packets: number[] = [];
    for await (const { data } of new EncodedPacketSink(track).packets()) packets.push(data.length);
    expect(packets).toEqual(sizes);
  });
});

it('leaves nothing where it fails or is aborted', async () => {
  await withFolder(async (folder) => {
    const path = join(folder, 'clip.mp4');
    const request = { ...hour(), clientConfig: clientConfigOf(local) };
    await expect(saveClip({ ...request, to: request.from }, path)).rejects.toThrow('UnsupportedStreamMediaType');
    await expect(saveClip({ ...request, signal: AbortSignal.abort(new Error('enough')) }, path)).rejects.toThrow(
      'enough',
    );

    const cut = { kind: 'fragment-error', fragment: 2, code: 4501 } as const;
    local.setFaults(
      scriptedFaults([{ operation: 'GetMediaForFragmentList', times: Number.POSITIVE_INFINITY, faults: [cut] }]),
    );
    await expect(saveClip(request, path)).rejects.toThrow('4501');
    local.setFaults(() => []);
    expect(readdirSync(folder)).toEqual([]);
  });
});
