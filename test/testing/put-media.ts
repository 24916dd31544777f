import { request } from 'node:http';

/** A line of PutMedia's answer. */
export interface Acknowledgement {
  readonly EventType: string;
  readonly FragmentTimecode?: number;
  readonly FragmentNumber?: string;
  readonly ErrorId?: number;
}

/** A PutMedia call as a producer makes it: it sends and reads acknowledgements at the same time. */
export function putMedia(endpoint: string, headers: Record<string, string> = {}) {
  const acknowledgements: Acknowledgement[] = [];
  const call = request(`${endpoint}/putMedia`, {
    method: 'POST',
    headers: { 'x-amzn-stream-name': 'camera', 'x-amzn-fragment-timecode-type': 'RELATIVE', ...headers },
  });
  const done = new Promise<{ status: number | undefined; error: string | undefined }>((resolve, reject) => {
    call.on('error', reject);
    call.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
        const lines = text.split('\r\n');
        text = lines.pop() ?? '';
        for (const line of lines) acknowledgements.push(JSON.parse(line));
      });
      const { 'x-amzn-errortype': error } = response.headers;
      response.on('end', () => resolve({ status: response.statusCode, error: error?.toString() }));
    });
  });
  return { call, acknowledgements, done };
}
