// A camera for the low-latency page: the recording over and over, each frame sent when it would have been recorded, by the wall clock.
import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { readFragments } from 'kvs-parser';
import { writeGetMediaFragment } from 'kvs-parser/testing';

/** Gives the bytes of a body of GetMedia as a camera makes them, until the signal is aborted. Times are those of now. */
export async function* liveCamera(file, signal) {
  const fragments = [];
  for await (const fragment of readFragments(readFileSync(file))) fragments.push(fragment);
  const times = fragments.map(({ frames }) => Math.min(...frames.map(({ timestamp }) => timestamp)));
  const last = fragments.at(-1)?.frames ?? [];
  const length = Math.max(...last.map(({ timestamp, duration = 40_000 }) => timestamp + duration)) - times[0];
  const began = Date.now();
  for (let round = 0, number = 1n; ; round++) {
    for (const [index, { frames, tracks }] of fragments.entries()) {
      const offset = began * 1000 + round * length - times[0];
      const producerTimestamp = Math.round((times[index] + offset) / 1000);
      const bytes = writeGetMediaFragment({
        tracks: tracks.map(({ number: trackNumber, codecId, codecPrivate, video, audio }) => ({
          number: trackNumber,
          codecId,
          codecPrivate,
          ...(video && { video: { pixelWidth: video.pixelWidth, pixelHeight: video.pixelHeight } }),
          ...(audio && { audio: { samplingFrequency: audio.samplingFrequency, channels: audio.channels } }),
        })),
        blocks: frames.map(({ track, timestamp, data, keyframe }) => ({
          track: track.number,
          timestamp: timestamp + offset,
          frames: [data],
          keyframe,
        })),
        fragmentNumber: String(number++),
        producerTimestamp,
        serverTimestamp: producerTimestamp,
      });
      const size = frames.reduce((sum, { data }) => sum + data.length, 0);
      let sent = 0;
      let at = 0;
      for (const [count, { data, timestamp }] of frames.entries()) {
        at += data.length;
        const due = (timestamp + offset) / 1000 + 40 - Date.now();
        if (due > 0) await wait(due, undefined, { signal }).catch(() => {});
        if (signal.aborted) return;
        const to = count === frames.length - 1 ? bytes.length : Math.floor((bytes.length * at) / size);
        yield bytes.subarray(sent, to);
        sent = to;
      }
    }
  }
}
