import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  FragmentListConsumer,
  type FragmentMessage,
  type FragmentRetryEvent,
  GetMediaConsumer,
} from '../../src/client/index.js';
import { scriptedFaults, startLocalKinesisVideo } from '../../src/testing/index.js';

const NAMES = ['connection', 'fragment', 'retry', 'gap', 'checkpoint'] as const;
const clientConfig = { region: 'local', credentials: { accessKeyId: 'any', secretAccessKey: 'any' } };

describe('channels of node:diagnostics_channel', () => {
  let told: { name: string; message: FragmentMessage & Record<string, unknown> }[] = [];
  const listeners = NAMES.map((name) => {
    const listener = (message: unknown) => told.push({ name, message: message as never });
    return { name: `kvs-parser:${name}`, listener };
  });
  beforeEach(() => {
    told = [];
    for (const { name, listener } of listeners) subscribe(name, listener);
  });
  afterEach(() => {
    for (const { name, listener } of listeners) unsubscribe(name, listener);
  });
  const of = (wanted: (typeof NAMES)[number]) =>
    told.filter(({ name }) => name === wanted).map(({ message }) => message);

  it('tell of a live consumer', async () => {
    const local = await startLocalKinesisVideo({
      streams: { door: { source: 'examples/recording/camera.mkv' } },
      faults: scriptedFaults([{ operation: 'GetMedia', faults: [{ kind: 'cut', afterBytes: 100_000 }] }]),
    });
    const retries: FragmentRetryEvent[] = [];
    const consumer = new GetMediaConsumer({
      streamName: 'door',
      clientConfig: { ...clientConfig, endpoint: local.endpoint },
      start: { type: 'EARLIEST' },
      onRetry: (event) => retries.push(event),
    });
    const numbers: (string | undefined)[] = [];
    let frames = 0;
    for await (const fragment of consumer) {
      numbers.push(fragment.fragmentNumber);
      frames += fragment.frames.length;
      if (numbers.length === 5) break;
    }
    await local.close();
    expect(told.every(({ message }) => message.stream.streamName === 'door')).toBe(true);
    expect(of('fragment').map(({ fragmentNumber }) => fragmentNumber)).toEqual(numbers);
    expect(of('fragment').reduce((sum, message) => sum + message.frames, 0)).toBe(frames);
    expect(of('connection').map(({ state, operation }) => `${operation} ${state}`)).toEqual([
      'GetMedia open',
      'GetMedia closed',
      'GetMedia open',
      'GetMedia closed',
    ]);
    expect(of('connection')[1]).toMatchObject({ error: { kind: 'connection' } });
    expect(of('retry')).toMatchObject([{ reason: 'connection', error: { operation: 'GetMedia' } }]);
    expect(retries).toMatchObject([{ error: { operation: 'GetMedia', kind: 'connection' }, fragmentNumbers: [] }]);
    expect(of('checkpoint').map(({ checkpoint }) => checkpoint)).toMatchObject(
      numbers.slice(0, 4).map((fragmentNumber) => ({ fragmentNumber })),
    );
    expect(of('gap')).toEqual([]);
  });

  it('tell of a consumer of stored fragments', async () => {
    const local = await startLocalKinesisVideo({
      streams: { door: { source: 'examples/recording/camera.mkv' } },
      faults: scriptedFaults([
        { operation: 'ListFragments', faults: [{ kind: 'error', type: 'ClientLimitExceededException' }] },
      ]),
    });
    const consumer = new FragmentListConsumer({
      streamName: 'door',
      clientConfig: { ...clientConfig, endpoint: local.endpoint },
      range: { type: 'SERVER_TIMESTAMP', from: new Date(0), to: new Date(Date.now() + 1e6) },
    });
    const numbers: (string | undefined)[] = [];
    for await (const fragment of consumer) numbers.push(fragment.fragmentNumber);
    const missing = new FragmentListConsumer({
      streamName: 'door',
      clientConfig: { ...clientConfig, endpoint: local.endpoint },
      fragmentNumbers: ['12345'],
      attempts: 1,
      onFailure: () => {},
    });
    for await (const fragment of missing) numbers.push(fragment.fragmentNumber);
    await local.close();
    expect(of('fragment').map(({ fragmentNumber }) => fragmentNumber)).toEqual(numbers);
    expect(of('retry')[0]).toMatchObject({ reason: 'throttled', error: { operation: 'ListFragments' } });
    expect(of('connection')[0]).toMatchObject({ operation: 'GetMediaForFragmentList', state: 'open' });
    expect(of('gap')).toMatchObject([{ kind: 'failed', fragmentNumbers: ['12345'] }]);
  });
});
