// The endpoint of the benchmark of consumers: a local Kinesis Video endpoint whose streams are filled as cameras would fill them.
//
// Argument: JSON { streams, bitsPerSecond, fragmentSeconds, framesPerSecond }. Messages: to the parent { endpoint }, { report }; from it 'report', 'stop' (storing), 'end'.
import { FragmentSplitter } from '../dist/testing/fragment-splitter.js';
import { startLocalKinesisVideo, writeGetMediaFragment } from '../dist/testing/index.js';
import { retimeFragment } from '../dist/testing/retime.js';

/** A key frame is so many times as large as another frame. */
const KEYFRAME_WEIGHT = 6;
/** Fragments that a stream stores: enough for a consumer that is far behind to lose none. */
const RETENTION = 100;

const { streams: count, bitsPerSecond, fragmentSeconds, framesPerSecond } = JSON.parse(process.argv[2]);
const period = fragmentSeconds * 1000;
const first = makeFragment();
const local = await startLocalKinesisVideo({ retention: RETENTION });
const names = Array.from({ length: count }, (_, i) => `camera-${i}`);
const streams = names.map((name) => local.createStream(name));
const numbers = names.map(() => []);
const began = Date.now();
let stored = 0;
let late = 0;
let round = { index: 0, fragment: first };

// Cameras are not in step: the ends of their fragments are spread evenly over the length of a fragment.
const due = (n) => began + (n * period) / count;
store();
const timer = setInterval(store, 5);

function store() {
  for (let now = Date.now(); due(stored) <= now; now = Date.now()) {
    const index = Math.floor(stored / count);
    // The cameras see the same picture, so that a fragment has to be made once and not once for each of them.
    if (index !== round.index) round = { index, fragment: retimeFragment(first, index * period) };
    const stream = streams[stored % count];
    const times = { producerTimestamp: due(stored) - period, serverTimestamp: now };
    numbers[stored % count].push(stream.append(round.fragment, times).fragmentNumber);
    late = Math.max(late, now - due(stored));
    stored++;
  }
}

/** A fragment as a producer sends it, of the length in bytes that the bit rate makes. */
function makeFragment() {
  const frames = fragmentSeconds * framesPerSecond;
  const frameSize = (bitsPerSecond * fragmentSeconds) / 8 / (frames - 1 + KEYFRAME_WEIGHT);
  const document = writeGetMediaFragment(
    {
      tracks: [
        {
          number: 1,
          codecId: 'V_MPEG4/ISO/AVC',
          codecPrivate: new Uint8Array(40).fill(1),
          video: { pixelWidth: 1280, pixelHeight: 720 },
        },
      ],
      tags: [['Camera', 'door']],
      blocks: Array.from({ length: frames }, (_, i) => ({
        track: 1,
        timestamp: Math.round((i * 1e6) / framesPerSecond),
        keyframe: i === 0,
        frames: [new Uint8Array(Math.round(frameSize * (i === 0 ? KEYFRAME_WEIGHT : 1))).fill(i)],
      })),
    },
    { crc: true },
  );
  const splitter = new FragmentSplitter();
  splitter.push(document);
  splitter.end();
  for (let event = splitter.nextIfAvailable(); event !== undefined; event = splitter.nextIfAvailable()) {
    if (event.kind === 'fragment') return event.fragment;
  }
  throw new Error('no fragment was made');
}

process.on('message', async (message) => {
  if (message === 'report') {
    process.send({ report: { numbers, late, violations: local.violations.length, cpu: process.cpuUsage() } });
    late = 0;
  } else if (message === 'stop') {
    clearInterval(timer);
  } else {
    clearInterval(timer);
    await local.close();
    process.disconnect();
  }
});
process.send({ endpoint: local.endpoint });
