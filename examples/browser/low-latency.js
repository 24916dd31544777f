// Plays a stream that is being recorded in two ways, and says how long each takes from a frame's recording to its display.
import Hls from 'hls.js';
import { MsePlayer } from 'kvs-parser/mp4';

const element = (selector) => document.querySelector(selector);

/** Shows how far behind the wall clock a picture is, by when it was recorded. */
function show(name, recordedAt) {
  const text = element(`#${name}-delay`);
  setInterval(() => {
    const time = recordedAt();
    if (time !== undefined) text.textContent = `${((Date.now() - time) / 1000).toFixed(2)} s behind`;
  }, 250);
}

const hls = new Hls({ lowLatencyMode: true, maxLiveSyncPlaybackRate: 1.5 });
hls.loadSource('live/main.m3u8');
hls.attachMedia(element('#hls'));
hls.on(Hls.Events.MANIFEST_PARSED, () => element('#hls').play());
show('hls', () => hls.playingDate?.getTime());

const video = element('#mse');
let offset;
const player = new MsePlayer(video, {
  chunkDuration: 100,
  maxDelay: 0.6,
  onSegment(segment) {
    // Where the fragment begins in the video, and when it was recorded.
    if (segment.type !== 'media' || segment.chunk > 0) return;
    const { producerTimestamp } = segment.fragment ?? {};
    const start = Math.min(...segment.tracks.map((track) => track.start));
    if (producerTimestamp !== undefined) offset = producerTimestamp.getTime() - start / 1000;
  },
});
show('mse', () => (offset === undefined || video.currentTime === 0 ? undefined : offset + video.currentTime * 1000));
await player.play((await fetch('live/media')).body);
