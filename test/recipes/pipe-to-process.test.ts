import { createReadStream, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pipeToProcess } from '../../examples/recipes/pipe-to-process.js';
import { GetMediaConsumer } from '../../src/client/index.js';
import { readFrames } from '../../src/index.js';
import { describeNeeding, runTool, tools } from '../support/tools.js';
import { clientConfigOf, RECORDING, startDoor, withFolder } from './support.js';

const recording = new Uint8Array(readFileSync(RECORDING));

async function videoFrames(): Promise<Uint8Array[]> {
  const frames: Uint8Array[] = [];
  for await (const { data } of readFrames(recording, { track: 'video' })) frames.push(data);
  return frames;
}

/** The recording over and over, without end; it counts what is taken of it, and knows when it was closed. */
class Endless {
  taken = 0;
  isClosed = false;

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, undefined> {
    try {
      for (;;) {
        for (let at = 0; at < recording.length; at += 65_536) {
          const piece = recording.subarray(at, at + 65_536);
          this.taken += piece.length;
          if (this.taken > 64e6) throw new Error('nothing holds the stream back');
          yield piece;
        }
      }
    } finally {
      this.isClosed = true;
    }
  }
}

/** A program that is this Node, and does what `code` says. */
const node = (code: string) => [process.execPath, ['-e', code]] as const;

describe('a program at the end of a stream', () => {
  it('is given all of it, as one document', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'copy.mkv');
      const copy = node(`process.stdin.pipe(require('node:fs').createWriteStream(${JSON.stringify(path)}))`);
      expect(await pipeToProcess(createReadStream(RECORDING), ...copy)).toEqual({ complete: true });
      const bytes = readFileSync(path);
      expect(bytes.indexOf('1a45dfa3', 4, 'hex')).toBe(-1);
      const frames: Uint8Array[] = [];
      for await (const { data } of readFrames(new Uint8Array(bytes), { track: 'video' })) frames.push(data);
      expect(frames).toEqual(await videoFrames());
    });
  });

  it('holds the stream back, and ends the reading when it has had enough', async () => {
    const stream = new Endless();
    // It takes 1 MB, and then nothing for a while.
    const slow = node(`
      const { stdin } = process;
      let taken = 0;
      stdin.on('data', (data) => {
        taken += data.length;
        if (taken < 1e6) return;
        stdin.pause();
        setTimeout(() => process.exit(0), 300);
      });`);
    expect(await pipeToProcess(stream, ...slow)).toEqual({ complete: false });
    expect(stream.isClosed).toBe(true);
    // What pipes and buffers hold on the way is far less than this; without back-pressure, it is all that memory takes.
    expect(stream.taken).toBeLessThan(4e6);
  });

  it('is an error with what it says, where it fails or is not there', async () => {
    const failing = node(`console.error('no such codec'); process.exit(3)`);
    await expect(pipeToProcess(new Endless(), ...failing)).rejects.toThrow(/has ended with 3: no such codec/);
    await expect(pipeToProcess(new Endless(), 'no-such-program-anywhere', [])).rejects.toThrow('ENOENT');
    const killed = node(`process.kill(process.pid, 'SIGKILL')`);
    await expect(pipeToProcess(new Endless(), ...killed)).rejects.toThrow('SIGKILL');
  });

  it('is ended where the stream fails or a signal says so', async () => {
    const waiting = node(`process.stdin.resume(); setInterval(() => {}, 1000)`);
    async function* broken(): AsyncGenerator<Uint8Array, undefined> {
      yield recording.subarray(0, 50_000);
      throw new Error('the line is dead');
    }
    await expect(pipeToProcess(broken(), ...waiting)).rejects.toThrow('the line is dead');
    const ended = new AbortController();
    const stream = new Endless();
    const piping = pipeToProcess(stream, ...waiting, { signal: ended.signal });
    ended.abort(new Error('enough'));
    await expect(piping).rejects.toThrow('enough');
  });
});

describeNeeding('ffmpeg at the end of a consumer', [tools('ffmpeg', 'ffprobe')], () => {
  it('writes what comes, and ends when it has had enough', async () => {
    const local = await startDoor();
    try {
      await withFolder(async (folder) => {
        const path = join(folder, 'door.mp4');
        const door = { streamName: 'door', clientConfig: clientConfigOf(local), start: { type: 'EARLIEST' } } as const;
        const args = ['-v', 'error', '-i', '-', '-map', '0:v', '-c', 'copy', '-frames:v', '100', path];
        // The consumer never ends by itself: it is ffmpeg that does.
        expect(await pipeToProcess(new GetMediaConsumer(door).bytes(), 'ffmpeg', args)).toEqual({ complete: false });
        const count = '-v error -count_packets -show_entries stream=nb_read_packets -of csv=p=0'.split(' ');
        expect(runTool('ffprobe', [...count, path]).trim()).toBe('100');
        await expect(
          pipeToProcess(createReadStream(RECORDING), 'ffmpeg', ['-i', '-', '-f', 'nonsense', '-']),
        ).rejects.toThrow('nonsense');
      });
    } finally {
      await local.close();
    }
  });
});

describeNeeding('GStreamer at the end of a stream', [tools('gst-launch-1.0')], () => {
  it('gets every frame', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'video.h264');
      const pipeline = `-q fdsrc fd=0 ! matroskademux name=demux demux.video_0 ! queue ! filesink location=${path}`;
      expect(await pipeToProcess(createReadStream(RECORDING), 'gst-launch-1.0', pipeline.split(' '))).toEqual({
        complete: true,
      });
      expect(Buffer.compare(readFileSync(path), Buffer.concat(await videoFrames()))).toBe(0);
    });
  });

  it('ends the reading when it has had enough', async () => {
    const stream = new Endless();
    const pipeline = '-q fdsrc fd=0 num-buffers=100 ! fakesink';
    expect(await pipeToProcess(stream, 'gst-launch-1.0', pipeline.split(' '))).toEqual({ complete: false });
    expect(stream.isClosed).toBe(true);
  });
});
