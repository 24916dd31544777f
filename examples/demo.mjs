// What is in a GetMedia body, fragment by fragment: `node examples/demo.mjs [FILE]`.
import { createReadStream } from 'node:fs';
import { Mkv, readElements } from 'kvs-parser';

const file = process.argv[2] ?? 'examples/recording/camera.mkv';
const total = { fragments: 0, frames: 0, bytes: 0 };
let fragment = newFragment();
let name = '';

console.log(`Reading ${file}\n`);
for await (const element of readElements(createReadStream(file))) {
  if (element.kind === 'end') {
    if (element.is(Mkv.Segment)) {
      show(fragment);
      fragment = newFragment();
    }
  } else if (element.kind === 'data') {
    if (element.is(Mkv.CodecID)) fragment.codecs.push(element.value);
    else if (element.is(Mkv.TagName)) name = element.value;
    else if (element.is(Mkv.TagString)) fragment.tags.push([name, element.value]);
    else if (element.is(Mkv.SimpleBlock) || element.is(Mkv.Block)) {
      fragment.frames += element.value.frameCount;
      for (const frame of element.value.frames) fragment.bytes += frame.length;
    }
  }
}
console.log(`\n${total.fragments} fragments, ${total.frames} frames, ${total.bytes} bytes of media`);

function newFragment() {
  return { codecs: [], tags: [], frames: 0, bytes: 0 };
}

function show({ codecs, tags, frames, bytes }) {
  const own = (wanted) => tags.find(([each]) => each === `AWS_KINESISVIDEO_${wanted}`)?.[1];
  const began = new Date(Math.round(Number(own('PRODUCER_TIMESTAMP')) * 1000));
  const others = tags.filter(([each]) => !each.startsWith('AWS_KINESISVIDEO_') || /IMAGE|NOTIFICATION/.test(each));
  total.fragments++;
  total.frames += frames;
  total.bytes += bytes;
  console.log(`fragment ${own('FRAGMENT_NUMBER')}`);
  console.log(`  recorded at ${began.toISOString()}, ${own('MILLIS_BEHIND_NOW')} ms behind now`);
  console.log(`  ${frames} frames of ${codecs.join(' and ')}, ${bytes} bytes`);
  console.log(`  tags: ${others.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(', ')}`);
}
