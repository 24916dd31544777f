import { readDocuments, readFrames, segmentMergerStream } from 'kvs-parser';
import { mp4SegmentStream } from 'kvs-parser/mp4';

export async function use(buffer: SourceBuffer, response: Response): Promise<Blob[]> {
  const blobs: Blob[] = [];
  if (response.body === null) return blobs;
  for await (const segment of mp4SegmentStream(response.body)) {
    buffer.appendBuffer(segment.bytes);
    blobs.push(new Blob([segment.bytes]));
    await fetch('/segments', { method: 'POST', body: segment.bytes });
  }
  for await (const frame of readFrames(response.body)) {
    blobs.push(new Blob([frame.data]), new Blob([...frame.parts]));
    await fetch('/frames', { method: 'POST', body: frame.data });
    await crypto.subtle.digest('SHA-256', frame.data);
  }
  for await (const document of readDocuments(response.body)) blobs.push(new Blob([document.bytes]));
  const reader = response.body.pipeThrough(segmentMergerStream()).getReader();
  const parts = [];
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) parts.push(piece.value);
  blobs.push(new Blob(parts));
  return blobs;
}
