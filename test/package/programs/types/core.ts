import {
  MkvElementStream,
  readDocuments,
  readElements,
  readFragments,
  readFrames,
  segmentMergerStream,
} from 'kvs-parser';

export async function use(bytes: Uint8Array): Promise<void> {
  for await (const fragment of readFragments(bytes)) {
    const count: number = fragment.frames.length;
    // @ts-expect-error what comes is typed, and not any
    const text: string = count;
    void text;
    // @ts-expect-error there is no such property
    fragment.nothing;
  }
  for await (const frame of readFrames(bytes)) {
    // @ts-expect-error what comes is typed, and not any
    frame.timestamp = 'text';
  }
  for await (const element of readElements(bytes)) {
    // @ts-expect-error what comes is typed, and not any
    element.nothing;
  }
  for await (const document of readDocuments(bytes)) {
    // @ts-expect-error what comes is typed, and not any
    document.nothing;
  }
  const { done, value } = await readFrames(bytes)[Symbol.asyncIterator]().next();
  if (done === true) {
    const nothing: undefined = value;
    void nothing;
  }
  void [MkvElementStream, segmentMergerStream];
}
