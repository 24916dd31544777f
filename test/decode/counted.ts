import { loadCodecs } from '../../src/decode/codecs.js';
import type { Codecs } from '../../src/decode/index.js';

/** What decoders have been given, and what they gave. */
export interface Counts {
  decoded: number;
  opened: number;
  closed: number;
}

interface Closable {
  close(): void;
}

/** Codecs of the native package that count what is decoded, and whether all pictures and all sound are closed. */
export async function counted(): Promise<{ readonly codecs: Codecs; readonly counts: Counts }> {
  const counts: Counts = { decoded: 0, opened: 0, closed: 0 };
  const codecs = await loadCodecs('webcodecs');
  const { VideoDecoder, AudioDecoder } = codecs;
  /** Counts it, and when it is closed, the first time. */
  const watch = <T extends Closable>(output: T): T => {
    counts.opened++;
    const { close } = output;
    let isOpen = true;
    output.close = () => {
      if (isOpen) counts.closed++;
      isOpen = false;
      close.call(output);
    };
    return output;
  };
  class CountingVideoDecoder extends VideoDecoder {
    constructor({ output, error }: ConstructorParameters<typeof VideoDecoder>[0]) {
      super({ output: (frame) => output(watch(frame)), error });
    }

    override decode(chunk: Parameters<InstanceType<typeof VideoDecoder>['decode']>[0]): void {
      counts.decoded++;
      super.decode(chunk);
    }
  }
  class CountingAudioDecoder extends AudioDecoder {
    constructor({ output, error }: ConstructorParameters<typeof AudioDecoder>[0]) {
      super({ output: (data) => output(watch(data)), error });
    }

    override decode(chunk: Parameters<InstanceType<typeof AudioDecoder>['decode']>[0]): void {
      counts.decoded++;
      super.decode(chunk);
    }
  }
  return { codecs: { ...codecs, VideoDecoder: CountingVideoDecoder, AudioDecoder: CountingAudioDecoder }, counts };
}
