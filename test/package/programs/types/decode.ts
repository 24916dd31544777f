import { readPictures } from 'kvs-parser/decode';

export async function use(bytes: Uint8Array): Promise<void> {
  for await (const picture of readPictures(bytes)) {
    const time: number = picture.timestamp;
    // @ts-expect-error what comes is typed, and not any
    const text: string = time;
    void text;
  }
}
