// Plays what fetch gives, a body as GetMedia sends it, and lists the fragments as they come.
import { MsePlayer } from 'kvs-parser/mp4';

const element = (selector) => document.querySelector(selector);
const video = element('video');
const state = element('#state');
const list = element('#fragments');

const player = new MsePlayer(video, {
  recover: true,
  maxDelay: 10,
  onSegment(segment) {
    if (segment.type === 'init') {
      list.append(`${segment.mimeType}\n`);
      return;
    }
    const { fragment, gap, bytes } = segment;
    const tags = fragment?.tags.map(({ name, value }) => `${name}=${value}`).join(' ') ?? '';
    const missing = gap > 0 ? `${(gap / 1e6).toFixed(1)} s missing; ` : '';
    list.append(`${missing}${fragment?.producerTimestamp?.toISOString() ?? ''} ${bytes.length} bytes ${tags}\n`);
  },
});

async function play() {
  state.textContent = 'playing';
  try {
    const response = await fetch('media');
    await player.play(response.body);
    state.textContent = 'the stream has ended';
  } catch (error) {
    state.textContent = String(error);
  }
}

element('#play').addEventListener('click', play);
element('#stop').addEventListener('click', () => player.stop());
await play();
