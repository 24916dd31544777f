import type { VideoDecoderSettings } from '../mkv/decoder-config.js';
import type {
  DecoderCallbacks,
  DecoderClass,
  DecoderLike,
  EncodedChunkLike,
  VideoFrameClass,
  VideoFrameLike,
} from './webcodecs.js';

/** A chunk that has been given to the decoder. */
interface Given {
  readonly timestamp: number;
  /** Of which run of pictures from a key frame on. */
  readonly run: number;
}

/**
 * A `VideoDecoder` class like the one given, whose pictures have their own times. `@napi-rs/webcodecs` 1.3 gives pictures in the order of
 * presentation, as the standard says, but with the times of the chunks in decode order: with B-frames these are not the same. Later versions
 * give each picture its own time; which of them it is shows where the two orders differ for the first time.
 */
export function withOwnTimes(
  Decoder: DecoderClass<VideoDecoderSettings, VideoFrameLike>,
  VideoFrame: VideoFrameClass,
): DecoderClass<VideoDecoderSettings, VideoFrameLike> {
  /** Whether pictures come with their own times; `undefined` until it is known. */
  let hasOwnTimes: boolean | undefined;

  return class implements DecoderLike<VideoDecoderSettings> {
    readonly #decoder: DecoderLike<VideoDecoderSettings>;
    /** What has been given and has not come, in decode order and in the order of presentation. */
    #given: Given[] = [];
    #shown: Given[] = [];
    #run = 0;
    #keyTime = Number.NEGATIVE_INFINITY;

    static isConfigSupported(config: VideoDecoderSettings) {
      return Decoder.isConfigSupported?.(config) ?? Promise.resolve({ supported: true });
    }

    constructor({ output, error }: DecoderCallbacks<VideoFrameLike>) {
      this.#decoder = new Decoder({ output: (frame) => output(this.#retime(frame)), error });
    }

    get state() {
      return this.#decoder.state;
    }

    get decodeQueueSize() {
      return this.#decoder.decodeQueueSize;
    }

    get ondequeue() {
      return this.#decoder.ondequeue;
    }

    set ondequeue(listener) {
      this.#decoder.ondequeue = listener;
    }

    configure(config: VideoDecoderSettings): void {
      this.#decoder.configure(config);
    }

    decode(chunk: EncodedChunkLike): void {
      const { timestamp, type } = chunk;
      if (type === 'key') {
        this.#run++;
        this.#keyTime = timestamp;
      }
      // What follows a key frame and is shown before it is of the run before.
      const run = timestamp < this.#keyTime ? this.#run - 1 : this.#run;
      const given = { timestamp, run };
      this.#given.push(given);
      const shown = this.#shown;
      let at = shown.length;
      while (at > 0 && isBehind(shown[at - 1]!, timestamp, run)) at--;
      shown.splice(at, 0, given);
      this.#decoder.decode(chunk);
    }

    async flush(): Promise<void> {
      await this.#decoder.flush();
      // A picture that did not come must not give its time to those behind.
      this.#given = [];
      this.#shown = [];
    }

    close(): void {
      this.#decoder.close();
    }

    #retime(frame: VideoFrameLike): VideoFrameLike {
      // Pictures that a call of `flush` gives may be called back before those of calls of `decode`: which it is, its time tells.
      const index = this.#given.findIndex(({ timestamp }) => timestamp === frame.timestamp);
      const shown = this.#shown[index];
      if (shown === undefined) return frame;
      const [given] = this.#given;
      const [first] = this.#shown;
      if (given !== first && hasOwnTimes === undefined) {
        if (frame.timestamp === given?.timestamp) hasOwnTimes = false;
        else if (frame.timestamp === first?.timestamp) hasOwnTimes = true;
      }
      const [own] = this.#given.splice(index, 1);
      if (hasOwnTimes === true) {
        this.#shown = this.#shown.filter((each) => each !== own);
        return frame;
      }
      this.#shown.splice(index, 1);
      if (shown.timestamp === frame.timestamp) return frame;
      const retimed = new VideoFrame(frame, { timestamp: shown.timestamp });
      frame.close();
      return retimed;
    }
  };
}

function isBehind(given: Given, timestamp: number, run: number): boolean {
  return given.run > run || (given.run === run && given.timestamp > timestamp);
}
