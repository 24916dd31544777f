// A thumbnail of each second of what fetch gives, a body as GetMedia sends it, and the level of its sound.
import { readAudio, readPictures } from 'kvs-parser/decode';

const element = (selector) => document.querySelector(selector);
const state = element('#state');

/** Shows a picture of each second, when the producer recorded it. */
async function showThumbnails(stream) {
  for await (const picture of readPictures(stream, { every: '1s', recover: true })) {
    const jpeg = await picture.encode('jpeg', { width: 160 });
    const image = new Image();
    image.src = URL.createObjectURL(new Blob([jpeg], { type: 'image/jpeg' }));
    image.onload = () => URL.revokeObjectURL(image.src);
    const caption = document.createElement('figcaption');
    caption.textContent = picture.producerTimestamp?.toISOString() ?? `${picture.timestamp / 1e6} s`;
    const figure = document.createElement('figure');
    figure.append(image, caption);
    element('#thumbnails').append(figure);
  }
}

/** Shows how loud it is, in decibels below full scale: the root mean square of each piece of sound. */
async function showLevel(stream) {
  const meter = element('meter');
  for await (const { data } of readAudio(stream, { format: 'f32', recover: true })) {
    const power = data.reduce((sum, value) => sum + value * value, 0) / Math.max(1, data.length);
    meter.value = Math.max(-60, 10 * Math.log10(power));
    meter.title = `${meter.value.toFixed(1)} dB`;
  }
}

state.textContent = 'reading';
try {
  const { body } = await fetch('media');
  const [video, audio] = body.tee();
  await Promise.all([showThumbnails(video), showLevel(audio)]);
  state.textContent = 'the stream has ended';
} catch (error) {
  state.textContent = String(error);
}
