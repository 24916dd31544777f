import { expect } from 'vitest';

/** The recording that is read everywhere. */
export const RECORDING = 'examples/recording/camera.mkv';

/** What `programs/story.js` finds in it, where the runtime does not decode. */
export const READ = {
  fragments: 8,
  frames: 719,
  keyframes: 8,
  segments: 9,
  playlist: 200,
  pictures: 'this runtime has no WebCodecs: install @napi-rs/webcodecs',
};

/** What `programs/browser.js` finds in it. */
export const READ_IN_PAGE = { ...READ, pictures: 8, consumer: 'function' };

const NOT_INSTALLED = 'kvs-parser/client needs the package @aws-sdk/client-kinesis-video-archived-media: install it';

/** What `programs/consume.js` gives where only the packages of GetMedia are installed. */
export const CONSUMED = { consumed: 719, missing: expect.stringContaining(NOT_INSTALLED) };

/** What `programs/entries.js` gives there. */
export const ENTRIES = { queue: [true, 'PeerMissing'], consumed: 719, kinds: ['function', 'function'] };
