import { readFile } from 'node:fs/promises';

/** The player's script as the build puts it beside this file. */
const SCRIPT = new URL('./player/hls.min.js', import.meta.url);

/** The files of the page that plays `main.m3u8` beside it, by their names. */
export async function playerPage(title: string, lowLatency: boolean): Promise<ReadonlyMap<string, PageFile>> {
  const script = await readFile(SCRIPT);
  return new Map([
    ['index.html', { type: 'text/html; charset=utf-8', bytes: Buffer.from(page(title, lowLatency)) }],
    ['hls.min.js', { type: 'text/javascript; charset=utf-8', bytes: script }],
  ]);
}

/** A file of the page. */
export interface PageFile {
  readonly type: string;
  readonly bytes: Uint8Array;
}

function page(title: string, lowLatency: boolean): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}</title>
<style>
body { margin: 0; font: 14px system-ui, sans-serif; background: #111; color: #ddd }
video { display: block; width: 100%; max-height: 90vh; background: #000 }
p { margin: 8px 12px }
a { color: inherit }
</style>
<video controls muted autoplay playsinline></video>
<p><span id="status">loading</span> · <a href="main.m3u8">HLS</a> · <a href="manifest.mpd">DASH</a></p>
<script src="hls.min.js"></script>
<script>
const video = document.querySelector('video');
const status = document.querySelector('#status');
const say = (text) => { if (status.textContent !== text) status.textContent = text; };
if (Hls.isSupported()) {
  const hls = new Hls({ lowLatencyMode: ${lowLatency}, maxLiveSyncPlaybackRate: ${lowLatency ? 1.5 : 1} });
  hls.on(Hls.Events.ERROR, (_, { fatal, details, type }) => {
    if (!fatal) return;
    say(details);
    if (type === Hls.ErrorTypes.MEDIA_ERROR) hls.recoverMediaError();
    else setTimeout(() => { hls.loadSource('main.m3u8'); hls.startLoad(); }, 1000);
  });
  hls.loadSource('main.m3u8');
  hls.attachMedia(video);
  setInterval(() => {
    if (video.readyState < 3) return;
    const time = hls.playingDate?.toISOString() ?? video.currentTime.toFixed(1) + ' s';
    say(hls.latency > 0 ? time + ', ' + hls.latency.toFixed(1) + ' s behind' : time);
  }, 250);
} else {
  video.src = 'main.m3u8';
  video.addEventListener('playing', () => say('playing'));
}
</script>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
