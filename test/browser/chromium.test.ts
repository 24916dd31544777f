import { afterAll, beforeAll, expect, it } from 'vitest';
import { type BrowserSession, bundleForBrowser, openBrowser } from '../support/browser.js';
import { CAPTURES, captureBytes } from '../support/captures.js';
import { readChunks } from '../support/read-all.js';
import { smallDocument } from '../support/small-document.js';
import { describeNeeding, tools } from '../support/tools.js';

/** How many elements of each kind and name, and the bytes of the frames among them. */
type Counts = Record<string, number>;

function count(bytes: Uint8Array): Counts {
  const counts: Counts = {};
  let frameBytes = 0;
  for (const element of readChunks([bytes])) {
    const name = `${element.kind} ${element.type.name}`;
    counts[name] = (counts[name] ?? 0) + 1;
    if (element.kind === 'data' && element.type.name === 'SimpleBlock') frameBytes += element.data.length;
  }
  return { ...counts, frameBytes };
}

/** In the page: how each stream function counts what `fetch` gives of a path. */
const PAGE = `
import { applyVisitor, Mkv, MkvElementStream, MkvParseError, readElements, StreamingMkvReader } from './src/index.ts';

function counter() {
  const counts = { frameBytes: 0 };
  return {
    counts,
    add(element) {
      const name = element.kind + ' ' + element.type.name;
      counts[name] = (counts[name] ?? 0) + 1;
      if (element.is(Mkv.SimpleBlock)) counts.frameBytes += element.data.length;
    },
  };
}

const body = async (path) => (await fetch(path)).body;

export const ways = {
  async readElements(path) {
    const { counts, add } = counter();
    for await (const element of readElements(await body(path))) add(element);
    return counts;
  },
  async MkvElementStream(path) {
    const { counts, add } = counter();
    const reader = (await body(path)).pipeThrough(new MkvElementStream()).getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) add(next.value);
    return counts;
  },
  async applyVisitor(path) {
    const { counts, add } = counter();
    await applyVisitor(await body(path), { visitStart: add, visitEnd: add, visitData: add });
    return counts;
  },
  async StreamingMkvReader(path) {
    const { counts, add } = counter();
    const reader = new StreamingMkvReader();
    reader.push(new Uint8Array(await (await fetch(path)).arrayBuffer()));
    reader.end();
    for (let element; (element = reader.nextIfAvailable()); ) add(element);
    return counts;
  },
};

export async function firstFrame(path) {
  for await (const element of readElements(await body(path))) if (element.is(Mkv.SimpleBlock)) return element.offset;
}

export async function errorOf(path) {
  try {
    await ways.readElements(path);
  } catch (error) {
    return [error instanceof MkvParseError, error.code, error.offset];
  }
}

globalThis.kvs = { ways, firstFrame, errorOf };
`;

interface PageGlobals {
  readonly kvs: {
    readonly ways: Record<string, (path: string) => Promise<Counts>>;
    firstFrame(path: string): Promise<number | undefined>;
    errorOf(path: string): Promise<unknown>;
  };
}

describeNeeding('headless Chromium', [tools('chromium')], () => {
  const streams = new Map([['/made.mkv', smallDocument({ clusters: 20, blocks: 50, frameSize: 9000 })]]);
  if (CAPTURES.missing === undefined) streams.set('/captured.mkv', captureBytes('output_get_media.mkv'));
  let session: BrowserSession;
  let sent = 0;

  beforeAll(async () => {
    const routes = Object.fromEntries([...streams].map(([path, body]) => [path, { type: 'video/x-matroska', body }]));
    const fragment = smallDocument({ clusters: 1, blocks: 10, frameSize: 50_000 });
    session = await openBrowser({
      ...routes,
      '/': { type: 'text/html', body: '<!doctype html><script type="module" src="/kvs.js"></script>' },
      '/kvs.js': { type: 'text/javascript', body: await bundleForBrowser(PAGE) },
      '/broken.mkv': { type: 'video/x-matroska', body: Buffer.concat([smallDocument(), new Uint8Array(100)]) },
      '/endless.mkv': {
        type: 'video/x-matroska',
        async *body() {
          for (; sent < 1 << 30; sent += fragment.length) yield fragment;
        },
      },
    });
    await session.page.waitForFunction(() => 'kvs' in globalThis);
  });
  afterAll(() => session.close());

  for (const [path, bytes] of streams) {
    it.each(['readElements', 'MkvElementStream', 'applyVisitor', 'StreamingMkvReader'])(
      `%s counts the elements of a fetched ${path.slice(1)} as in Node`,
      async (way) => {
        const counts = await session.page.evaluate(
          ([name, url]) => (globalThis as unknown as PageGlobals).kvs.ways[name]!(url),
          [way, path] as const,
        );
        const expected = count(bytes);
        expect(expected['data SimpleBlock']).toBeGreaterThan(0);
        expect(counts).toEqual(expected);
      },
    );
  }

  it('an endless body is left after the first frame, and the download ends', async () => {
    const offset = await session.page.evaluate(() =>
      (globalThis as unknown as PageGlobals).kvs.firstFrame('/endless.mkv'),
    );
    expect(offset).toBeGreaterThan(0);
    await expect
      .poll(async () => {
        const before = sent;
        await new Promise((resolve) => setTimeout(resolve, 50));
        return sent === before && sent < 1 << 29;
      })
      .toBe(true);
  });

  it('broken bytes are an MkvParseError with their offset', async () => {
    const error = await session.page.evaluate(() => (globalThis as unknown as PageGlobals).kvs.errorOf('/broken.mkv'));
    expect(error).toEqual([true, 'InvalidId', smallDocument().length]);
  });

  it('the page had no errors', () => {
    expect(session.errors).toEqual([]);
  });
});
