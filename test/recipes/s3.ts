import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { S3Client } from '@aws-sdk/client-s3';

/** A stand-in for S3: it keeps objects, and the parts of uploads that are not complete. */
export class LocalS3 {
  readonly objects = new Map<string, Buffer>();
  readonly uploads = new Map<string, Map<number, Buffer>>();
  /** The operations that were asked for, by the names that a policy has for them. */
  readonly actions = new Set<string>();
  /** Makes the call with this number fail, counted from 0. */
  failAt = Number.POSITIVE_INFINITY;
  #calls = 0;
  readonly #server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('error', () => {});
    request.on('end', () => {
      const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
      const key = decodeURIComponent(pathname.slice(1));
      const call = `${request.method} ${['uploads', 'uploadId'].find((name) => searchParams.has(name)) ?? ''}`;
      if (this.#calls++ >= this.failAt)
        response.writeHead(403).end('<Error><Code>AccessDenied</Code><Message>AccessDenied</Message></Error>');
      else this.#answer(call.trim(), key, searchParams, bodyOf(Buffer.concat(pieces), request.headers), response);
    });
  });

  #answer(
    call: string,
    key: string,
    parameters: URLSearchParams,
    body: Buffer,
    response: { writeHead(status: number, headers?: Record<string, string>): { end(text?: string): unknown } },
  ): void {
    const uploadId = parameters.get('uploadId') ?? '';
    const parts = this.uploads.get(uploadId);
    this.actions.add(call === 'DELETE uploadId' ? 's3:AbortMultipartUpload' : 's3:PutObject');
    if (call === 'PUT') {
      this.objects.set(key, body);
    } else if (call === 'POST uploads') {
      const id = `upload-${this.#calls}`;
      this.uploads.set(id, new Map());
      response
        .writeHead(200)
        .end(
          `<InitiateMultipartUploadResult><Key>${key}</Key><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
        );
      return;
    } else if (call === 'PUT uploadId' && parts !== undefined) {
      parts.set(Number(parameters.get('partNumber')), body);
    } else if (call === 'POST uploadId' && parts !== undefined) {
      const order = [...parts.keys()].sort((a, b) => a - b);
      this.objects.set(key, Buffer.concat(order.map((number) => parts.get(number)!)));
      this.uploads.delete(uploadId);
      response
        .writeHead(200)
        .end(`<CompleteMultipartUploadResult><Key>${key}</Key><ETag>"etag"</ETag></CompleteMultipartUploadResult>`);
      return;
    } else if (call === 'DELETE uploadId' && parts !== undefined) {
      this.uploads.delete(uploadId);
    } else {
      response.writeHead(501).end();
      return;
    }
    response.writeHead(200, { etag: '"etag"' }).end();
  }

  /** Starts it. */
  static async start(): Promise<LocalS3> {
    const s3 = new LocalS3();
    await once(s3.#server.listen(0, '127.0.0.1'), 'listening');
    return s3;
  }

  /** A client that finds it. */
  client(): S3Client {
    const { port } = this.#server.address() as AddressInfo;
    return new S3Client({
      endpoint: `http://127.0.0.1:${port}`,
      region: 'local',
      credentials: { accessKeyId: 'any', secretAccessKey: 'any' },
      forcePathStyle: true,
      maxAttempts: 1,
    });
  }

  /** Ends it. */
  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** The body of a request without the chunks that the SDK signs or has a checksum behind (`aws-chunked`). */
function bodyOf(body: Buffer, headers: Readonly<Record<string, string | string[] | undefined>>): Buffer {
  if (!String(headers['content-encoding']).includes('aws-chunked')) return body;
  const chunks: Buffer[] = [];
  for (let at = 0; ; ) {
    const end = body.indexOf('\r\n', at);
    const size = Number.parseInt(body.toString('latin1', at, end), 16);
    if (!(size > 0)) return Buffer.concat(chunks);
    chunks.push(body.subarray(end + 2, end + 2 + size));
    at = end + 2 + size + 2;
  }
}
