// What is measured. `open(chunks)` prepares and gives a function that reads all chunks once, from the beginning, and says what it found:
// { elements, frames, frameBytes, fragments }, of which it leaves out what it does not count. Subjects of the `kind` 'remux' write MP4; they
// run on the workloads that are real media.
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';

const ours = () => import('../dist/index.js');
const oursMp4 = () => import('../dist/mp4/index.js');

/** A WHATWG stream that holds nothing back and nothing ready. */
function streamOf(chunks) {
  let next = 0;
  return new ReadableStream(
    {
      pull(controller) {
        if (next < chunks.length) controller.enqueue(chunks[next++]);
        else controller.close();
      },
    },
    { highWaterMark: 0 },
  );
}

/** The elements of a StreamingMkvReader, each shown to `show`. */
function readAll(reader, chunks, show) {
  for (const chunk of chunks) {
    reader.push(chunk);
    for (let element = reader.nextIfAvailable(); element !== undefined; element = reader.nextIfAvailable())
      show(element);
  }
  reader.end();
  for (let element = reader.nextIfAvailable(); element !== undefined; element = reader.nextIfAvailable()) show(element);
}

/** Where the data of each element begins that does not lie in one chunk. */
async function spansOf(chunks) {
  const { StreamingMkvReader } = await ours();
  const chunkSize = chunks[0].length;
  const spans = [];
  readAll(new StreamingMkvReader(), chunks, ({ kind, offset, headerSize, dataSize }) => {
    const start = offset + headerSize;
    const first = Math.floor(start / chunkSize);
    if (kind !== 'data' || dataSize === 0 || first === Math.floor((start + dataSize - 1) / chunkSize)) return;
    spans.push({ first, from: start % chunkSize, size: dataSize });
  });
  return spans;
}

/** Opens a StreamingMkvReader. */
const takeElements = (options) => async (chunks) => {
  const { StreamingMkvReader } = await ours();
  return () => {
    let elements = 0;
    let dataBytes = 0;
    readAll(new StreamingMkvReader(options), chunks, (element) => {
      elements++;
      if (element.kind === 'data') dataBytes += element.data.length;
    });
    return { elements, dataBytes };
  };
};

/** The length of a frame in one piece. */
const wholeSize = (frame) => frame.data.length;

/** The same of its parts, where they lie. */
function sizeInParts(frame) {
  let size = 0;
  for (const part of frame.parts) size += part.length;
  return size;
}

/** Opens a StreamingMkvReader with a FrameVisitor. */
const visitFrames = (sizeOf) => async (chunks) => {
  const { FrameVisitor, StreamingMkvReader } = await ours();
  return () => {
    let frames = 0;
    let frameBytes = 0;
    const visitor = new FrameVisitor({
      process(frame) {
        frames++;
        frameBytes += sizeOf(frame);
      },
    });
    readAll(new StreamingMkvReader(), chunks, (element) => element.accept(visitor));
    return { frames, frameBytes };
  };
};

/** Opens `readFrames`. */
const iterateFrames = (sizeOf) => async (chunks) => {
  const { readFrames } = await ours();
  return async () => {
    let frames = 0;
    let frameBytes = 0;
    for await (const frame of readFrames(streamOf(chunks))) {
      frames++;
      frameBytes += sizeOf(frame);
    }
    return { frames, frameBytes };
  };
};

export const SUBJECTS = [
  {
    name: 'memcpy',
    what: 'each chunk copied to its place in one buffer that was written before: the yardstick, nothing is read',
    async open(chunks) {
      const target = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0)).fill(1);
      return () => {
        let at = 0;
        for (const chunk of chunks) {
          target.set(chunk, at);
          at += chunk.length;
        }
        return {};
      };
    },
  },
  {
    name: 'least',
    what: 'the data of elements that span chunks, each put together in a fresh buffer; nothing is read, where they lie is known before',
    async open(chunks) {
      const spans = await spansOf(chunks);
      return () => {
        let bytes = 0;
        for (const { first, from, size } of spans) {
          const whole = new Uint8Array(size);
          for (let at = 0, index = first, start = from; at < size; index++, start = 0) {
            const part = chunks[index].subarray(start, start + size - at);
            whole.set(part, at);
            at += part.length;
          }
          bytes += whole.length;
        }
        return { spanning: bytes };
      };
    },
  },
  {
    name: 'reader',
    what: 'StreamingMkvReader: all elements, their data looked at',
    open: takeElements({}),
  },
  {
    name: 'reader, recover',
    what: 'the same with recover: places to go on at are looked for in all bytes',
    open: takeElements({ recover: true }),
  },
  {
    name: 'reader, blocks',
    what: 'StreamingMkvReader with elements: SimpleBlock and Block, taken apart into frames',
    async open(chunks) {
      const { Mkv, StreamingMkvReader } = await ours();
      return () => {
        let frames = 0;
        let frameBytes = 0;
        readAll(new StreamingMkvReader({ elements: [Mkv.SimpleBlock, Mkv.Block] }), chunks, (element) => {
          if (element.kind !== 'data' || !(element.is(Mkv.SimpleBlock) || element.is(Mkv.Block))) return;
          const block = element.value;
          for (let i = 0; i < block.frameCount; i++) {
            frames++;
            frameBytes += block.frame(i).length;
          }
        });
        return { frames, frameBytes };
      };
    },
  },
  {
    name: 'reader, FrameVisitor',
    what: 'StreamingMkvReader and FrameVisitor: frames with their times, tracks and fragments, each in one piece',
    open: visitFrames(wholeSize),
  },
  {
    name: 'reader, FrameVisitor, parts',
    what: 'the same, but each frame taken where it lies (`frame.parts`), as for writing or hashing it: nothing is put together',
    open: visitFrames(sizeInParts),
  },
  {
    name: 'readElements',
    what: 'readElements on a WHATWG ReadableStream: all elements',
    async open(chunks) {
      const { readElements } = await ours();
      return async () => {
        let elements = 0;
        let dataBytes = 0;
        for await (const element of readElements(streamOf(chunks))) {
          elements++;
          if (element.kind === 'data') dataBytes += element.data.length;
        }
        return { elements, dataBytes };
      };
    },
  },
  {
    name: 'readFrames',
    what: 'readFrames on a WHATWG ReadableStream',
    open: iterateFrames(wholeSize),
  },
  {
    name: 'readFrames, parts',
    what: 'the same, but each frame taken where it lies',
    open: iterateFrames(sizeInParts),
  },
  {
    name: 'readFragments',
    what: 'readFragments on a WHATWG ReadableStream',
    async open(chunks) {
      const { readFragments } = await ours();
      return async () => {
        let fragments = 0;
        let frames = 0;
        let frameBytes = 0;
        for await (const fragment of readFragments(streamOf(chunks))) {
          fragments++;
          for (const frame of fragment.frames) {
            frames++;
            frameBytes += frame.data.length;
          }
        }
        return { fragments, frames, frameBytes };
      };
    },
  },
  {
    name: 'merger',
    what: 'StreamingMkvReader and OutputSegmentMerger as a visitor: one document out of all, to a sink that counts bytes',
    async open(chunks) {
      const { OutputSegmentMerger, StreamingMkvReader } = await ours();
      return () => {
        let writtenBytes = 0;
        const merger = new OutputSegmentMerger((bytes) => {
          writtenBytes += bytes.length;
        });
        readAll(new StreamingMkvReader(), chunks, (element) => element.accept(merger));
        return { fragments: merger.counters.documentsIn, writtenBytes };
      };
    },
  },
  {
    name: 'merger, chunks',
    what: 'the merger of segmentMergerStream and `kvs merge` without streams: chunks in, pieces of one document out',
    async open(chunks) {
      // It is no part of the package's interface.
      const { ChunkMerger } = await import('../dist/merge/chunk-merger.js');
      return () => {
        let writtenBytes = 0;
        const merger = new ChunkMerger();
        const count = (pieces) => {
          for (const piece of pieces) writtenBytes += piece.length;
        };
        for (const chunk of chunks) count(merger.push(chunk));
        count(merger.end());
        return { fragments: merger.merger.counters.documentsIn, writtenBytes };
      };
    },
  },
  {
    name: 'segmentMergerStream',
    what: 'segmentMergerStream with packed Clusters, in a pipe of WHATWG streams',
    async open(chunks) {
      const { segmentMergerStream } = await ours();
      return async () => {
        let writtenBytes = 0;
        const stream = segmentMergerStream({ packClusters: true });
        for await (const bytes of streamOf(chunks).pipeThrough(stream)) writtenBytes += bytes.length;
        return { fragments: stream.merger.counters.documentsIn, writtenBytes };
      };
    },
  },
  {
    name: 'mediabunny',
    peer: true,
    what: 'mediabunny: all packets of all tracks, from a ReadableStreamSource',
    async open(chunks) {
      const { EncodedPacketSink, Input, MATROSKA, ReadableStreamSource } = await import('mediabunny');
      return async () => {
        const input = new Input({ formats: [MATROSKA], source: new ReadableStreamSource(streamOf(chunks)) });
        let frames = 0;
        let frameBytes = 0;
        const tracks = await input.getTracks();
        await Promise.all(
          tracks.map(async (track) => {
            for await (const packet of new EncodedPacketSink(track).packets()) {
              frames++;
              frameBytes += packet.data.length;
            }
          }),
        );
        return { frames, frameBytes };
      };
    },
  },
  {
    name: 'ebml-stream',
    peer: true,
    what: 'ebml-stream: EbmlStreamDecoder, all tags',
    async open(chunks) {
      const { EbmlStreamDecoder } = (await import('ebml-stream')).default;
      return async () => {
        let frames = 0;
        let frameBytes = 0;
        const decoder = new EbmlStreamDecoder();
        decoder.on('data', (tag) => {
          if (tag.id !== 0xa3 && tag.id !== 0xa1) return;
          frames++;
          frameBytes += tag.payload.length;
        });
        Readable.from(chunks).pipe(decoder);
        await finished(decoder);
        return { frames, frameBytes };
      };
    },
  },
  {
    name: 'ebml',
    peer: true,
    what: 'ebml: Decoder, all tags',
    async open(chunks) {
      const { Decoder } = await import('ebml');
      return async () => {
        let frames = 0;
        let frameBytes = 0;
        const decoder = new Decoder();
        decoder.on('data', ([, tag]) => {
          if (tag.name !== 'SimpleBlock' && tag.name !== 'Block') return;
          frames++;
          frameBytes += tag.payload.length;
        });
        Readable.from(chunks).pipe(decoder);
        await finished(decoder);
        return { frames, frameBytes };
      };
    },
  },
  {
    name: 'ts-ebml',
    peer: true,
    what: 'ts-ebml: Decoder, all elements; blocks are not taken apart',
    async open(chunks) {
      const { Decoder } = (await import('ts-ebml')).default;
      return () => {
        let frames = 0;
        let frameBytes = 0;
        const decoder = new Decoder();
        for (const chunk of chunks) {
          for (const element of decoder.decode(chunk.buffer)) {
            if (element.name !== 'SimpleBlock' && element.name !== 'Block') continue;
            frames++;
            // Track number, time and flags are 4 bytes in all of these streams.
            frameBytes += element.data.length - 4;
          }
        }
        return { frames, frameBytes };
      };
    },
  },
  {
    name: 'remux, fragmented',
    kind: 'remux',
    what: 'mp4SegmentStream on a WHATWG ReadableStream',
    async open(chunks) {
      const { mp4SegmentStream } = await oursMp4();
      return async () => {
        let fragments = 0;
        for await (const segment of mp4SegmentStream(streamOf(chunks))) if (segment.type === 'media') fragments++;
        return { fragments };
      };
    },
  },
  {
    name: 'remux, progressive',
    kind: 'remux',
    what: 'remuxToMp4 on a WHATWG ReadableStream, moov first, media kept in memory until then',
    async open(chunks) {
      const { remuxToMp4 } = await oursMp4();
      return async () => {
        const { fragments } = await remuxToMp4(streamOf(chunks), () => {});
        return { fragments };
      };
    },
  },
  ...['fragmented', 'progressive'].map((layout) => ({
    name: `mediabunny, ${layout}`,
    kind: 'remux',
    peer: true,
    what: `mediabunny: Conversion from a ReadableStreamSource to a BufferTarget, ${layout === 'fragmented' ? 'fragmented' : 'moov first, media kept in memory until then'}`,
    async open(chunks) {
      const { BufferTarget, Conversion, Input, MATROSKA, Mp4OutputFormat, Output, ReadableStreamSource } = await import(
        'mediabunny'
      );
      const fastStart = layout === 'fragmented' ? 'fragmented' : 'in-memory';
      return async () => {
        const conversion = await Conversion.init({
          input: new Input({ formats: [MATROSKA], source: new ReadableStreamSource(streamOf(chunks)) }),
          output: new Output({ format: new Mp4OutputFormat({ fastStart }), target: new BufferTarget() }),
          showWarnings: false,
        });
        await conversion.execute();
        return {};
      };
    },
  })),
];
