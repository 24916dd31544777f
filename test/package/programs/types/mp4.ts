import { Mp4Remuxer, MsePlayer, mp4SegmentStream, remuxToMp4 } from 'kvs-parser/mp4';

export async function use(bytes: Uint8Array): Promise<void> {
  for await (const segment of mp4SegmentStream(bytes)) {
    const length: number = segment.bytes.length;
    // @ts-expect-error what comes is typed, and not any
    const text: string = length;
    void text;
  }
  void [Mp4Remuxer, MsePlayer, remuxToMp4];
}
