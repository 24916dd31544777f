import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  CreateStreamCommand,
  DeleteStreamCommand,
  DescribeStreamCommand,
  GetDataEndpointCommand,
  ListStreamsCommand,
} from '@aws-sdk/client-kinesis-video';
import {
  type Fragment,
  GetMediaForFragmentListCommand,
  ListFragmentsCommand,
} from '@aws-sdk/client-kinesis-video-archived-media';
import { GetMediaCommand } from '@aws-sdk/client-kinesis-video-media';
import { describe, expect, it } from 'vitest';
import { bodyOf, clients, getMedia, numbersOf, RECORDING, readBody, start } from './support.js';

const facts = JSON.parse(readFileSync('examples/recording/camera.json', 'utf8'));
const kept = { camera: { source: RECORDING, keepMetadata: true } };
const allNumbers: string[] = facts.fragments.map((fragment: { fragmentNumber: string }) => fragment.fragmentNumber);
const sha256 = (frames: readonly Uint8Array[]) => {
  const hash = createHash('sha256');
  for (const frame of frames) hash.update(frame);
  return hash.digest('hex');
};

describe('the control plane', () => {
  it('makes, describes, lists and deletes streams', async () => {
    const { endpoint } = await start({ streams: { camera: {}, 'camera-2': {}, door: {} } });
    const { control } = clients(endpoint);
    const { StreamARN } = await control.send(new CreateStreamCommand({ StreamName: 'new', DataRetentionInHours: 1 }));
    const { StreamInfo } = await control.send(new DescribeStreamCommand({ StreamARN }));
    expect(StreamInfo).toMatchObject({ StreamName: 'new', StreamARN, Status: 'ACTIVE' });
    expect(Math.abs((StreamInfo?.CreationTime?.getTime() ?? 0) - Date.now())).toBeLessThan(60_000);
    const StreamNameCondition = { ComparisonOperator: 'BEGINS_WITH' as const, ComparisonValue: 'camera' };
    const first = await control.send(new ListStreamsCommand({ MaxResults: 1, StreamNameCondition }));
    const second = await control.send(new ListStreamsCommand({ StreamNameCondition, NextToken: first.NextToken }));
    const names = [first, second].flatMap((page) => page.StreamInfoList?.map((info) => info.StreamName));
    expect(names).toEqual(['camera', 'camera-2']);
    expect(second.NextToken).toBeUndefined();
    await control.send(new DeleteStreamCommand({ StreamARN }));
    await expect(control.send(new DescribeStreamCommand({ StreamARN }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      $metadata: { httpStatusCode: 404, requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) },
    });
    await expect(control.send(new CreateStreamCommand({ StreamName: 'door' }))).rejects.toMatchObject({
      name: 'ResourceInUseException',
    });
  });

  it('gives an endpoint that clients can use until it expires', async () => {
    const server = await start({ streams: kept });
    const { control } = clients(server.endpoint);
    const ask = async () => {
      const command = new GetDataEndpointCommand({ StreamName: 'camera', APIName: 'GET_MEDIA' });
      return (await control.send(command)).DataEndpoint ?? '';
    };
    const old = await ask();
    expect(numbersOf(await readBody(await getMedia(old)))).toEqual(allNumbers);
    server.expireEndpoints();
    await expect(getMedia(old)).rejects.toMatchObject({ name: 'InvalidEndpointException' });
    expect(numbersOf(await readBody(await getMedia(await ask())))).toEqual(allNumbers);
  });
});

describe('GetMedia', () => {
  it('sends the fragments as the service does', async () => {
    const { endpoint } = await start({ streams: kept });
    const fragments = await readBody(await getMedia(endpoint));
    expect(numbersOf(fragments)).toEqual(allNumbers);
    expect(sha256(fragments.flatMap(({ frames }) => frames))).toBe(facts.allFramesSha256);
    const newest = Date.parse(facts.fragments.at(-1).serverTimestamp);
    for (const [i, { tags, producerTags }] of fragments.entries()) {
      const { serverTimestamp, producerTimestamp, tags: expectedTags } = facts.fragments[i];
      expect(Number(tags.get('SERVER_TIMESTAMP')) * 1000).toBeCloseTo(Date.parse(serverTimestamp), 1);
      expect(Number(tags.get('PRODUCER_TIMESTAMP')) * 1000).toBeCloseTo(Date.parse(producerTimestamp), 1);
      expect(tags.get('CONTINUATION_TOKEN')).toBe(allNumbers[i]);
      expect(tags.get('MILLIS_BEHIND_NOW')).toBe(String(newest - Date.parse(serverTimestamp)));
      expect(producerTags).toEqual(expectedTags);
    }
  });

  it('starts where the selector says', async () => {
    const { endpoint } = await start({ streams: kept, limits: false });
    const from = async (selector: Parameters<typeof getMedia>[1]) =>
      numbersOf(await readBody(await getMedia(endpoint, selector)));
    expect(await from({ StartSelectorType: 'NOW' })).toEqual(allNumbers.slice(-1));
    const after = { StartSelectorType: 'FRAGMENT_NUMBER' as const, AfterFragmentNumber: allNumbers[2] };
    expect(await from(after)).toEqual(allNumbers.slice(3));
    // The service's tokens are the numbers of their fragments, in every capture that has any.
    const tokens = (await readBody(await getMedia(endpoint))).map(({ tags }) => tags.get('CONTINUATION_TOKEN'));
    expect(tokens).toEqual(allNumbers);
    const token = { ContinuationToken: tokens[0] };
    expect(await from({ StartSelectorType: 'CONTINUATION_TOKEN', ...token })).toEqual(allNumbers.slice(1));
    const afterToken = { StartSelectorType: 'FRAGMENT_NUMBER' as const, AfterFragmentNumber: tokens[1] };
    expect(await from(afterToken)).toEqual(allNumbers.slice(2));
    // Fragment 2 begins at 2.8 s and lasts 1.2 s.
    const within = new Date(Date.parse(facts.fragments[2].producerTimestamp) + 700);
    expect(await from({ StartSelectorType: 'PRODUCER_TIMESTAMP', StartTimestamp: within })).toEqual(
      allNumbers.slice(2),
    );
    const exact = new Date(facts.fragments[3].serverTimestamp);
    expect((await from({ StartSelectorType: 'SERVER_TIMESTAMP', StartTimestamp: exact })).at(-1)).toBe(
      allNumbers.at(-1),
    );
    const late = new Date(Date.parse(facts.fragments[7].producerTimestamp) + 3_600_000);
    expect(await from({ StartSelectorType: 'PRODUCER_TIMESTAMP', StartTimestamp: late })).toEqual([]);
  });

  it('reports a fragment that it does not have within the stream', async () => {
    const { endpoint } = await start({ streams: kept });
    const selector = { StartSelectorType: 'FRAGMENT_NUMBER' as const, AfterFragmentNumber: '123' };
    const [only] = await readBody(await getMedia(endpoint, selector));
    expect(Object.fromEntries(only?.tags ?? [])).toEqual({
      ERROR_CODE: 'Requested fragment is not found',
      ERROR_ID: '4000',
    });
  });

  it('goes on with new fragments and ends when none has come for a while', async () => {
    const server = await start({ streams: { camera: {} }, idleTimeoutMs: 400 });
    const reading = getMedia(server.endpoint).then(readBody);
    const stream = server.stream('camera');
    await stream.fill(RECORDING, { realtime: true, speed: 100, loop: 2 });
    const fragments = await reading;
    expect(fragments).toHaveLength(16);
    // The second round goes on in time, and its CRC-32 elements are right (readBody checks them).
    const times = fragments.flatMap(({ clusterTimestamps }) => clusterTimestamps);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(times[8]).toBe(10_000);
  });

  it('refuses wrong requests with the errors of the service', async () => {
    const { endpoint } = await start({ streams: kept });
    await expect(getMedia(endpoint, undefined, 'nothing')).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    const { media } = clients(endpoint);
    const wrong = { StartSelectorType: 'FRAGMENT_NUMBER' as const, AfterFragmentNumber: 'x' };
    await expect(getMedia(endpoint, wrong)).rejects.toMatchObject({
      name: 'InvalidArgumentException',
      message: 'AfterFragmentNumber is missing or not a decimal number.',
    });
    const noStream = new GetMediaCommand({ StartSelector: { StartSelectorType: 'NOW' } });
    await expect(media.send(noStream)).rejects.toMatchObject({ name: 'InvalidArgumentException' });
  });
});

describe('archived media', () => {
  const list = async (endpoint: string, input: object) => {
    const { archived } = clients(endpoint);
    const pages: Fragment[][] = [];
    for (let NextToken: string | undefined; pages.length === 0 || NextToken !== undefined; ) {
      const page = await archived.send(new ListFragmentsCommand({ StreamName: 'camera', ...input, NextToken }));
      pages.push(page.Fragments ?? []);
      NextToken = page.NextToken;
    }
    return pages;
  };

  it('lists all fragments, in no order', async () => {
    const { endpoint } = await start({ streams: kept });
    const pages = await list(endpoint, { MaxResults: 3 });
    expect(pages.map((page) => page.length)).toEqual([3, 3, 2]);
    const found = pages.flat();
    expect(found.map((fragment) => fragment.FragmentNumber)).not.toEqual(allNumbers);
    expect(found.map((fragment) => fragment.FragmentNumber).sort()).toEqual(allNumbers);
    const first = found.find((fragment) => fragment.FragmentNumber === allNumbers[0]);
    expect(first?.ProducerTimestamp?.toISOString()).toBe(facts.fragments[0].producerTimestamp);
    expect(first?.ServerTimestamp?.toISOString()).toBe(facts.fragments[0].serverTimestamp);
    expect(first?.FragmentLengthInMilliseconds).toBe(1400);
  });

  it('lists those of a range, both ends included', async () => {
    const { endpoint } = await start({ streams: kept, limits: false });
    for (const [type, name] of [
      ['PRODUCER_TIMESTAMP', 'producerTimestamp'],
      ['SERVER_TIMESTAMP', 'serverTimestamp'],
    ] as const) {
      const TimestampRange = {
        StartTimestamp: new Date(facts.fragments[1][name]),
        EndTimestamp: new Date(facts.fragments[3][name]),
      };
      const [page] = await list(endpoint, { FragmentSelector: { FragmentSelectorType: type, TimestampRange } });
      expect(page?.map((fragment) => fragment.FragmentNumber).sort()).toEqual(allNumbers.slice(1, 4));
    }
  });

  it('goes on with the same range when only the token is sent', async () => {
    const { endpoint } = await start({ streams: kept, limits: false });
    const { archived } = clients(endpoint);
    const TimestampRange = {
      StartTimestamp: new Date(facts.fragments[1].producerTimestamp),
      EndTimestamp: new Date(facts.fragments[3].producerTimestamp),
    };
    const FragmentSelector = { FragmentSelectorType: 'PRODUCER_TIMESTAMP', TimestampRange } as const;
    const stream = { StreamName: 'camera', MaxResults: 2 };
    const first = await archived.send(new ListFragmentsCommand({ ...stream, FragmentSelector }));
    const second = await archived.send(new ListFragmentsCommand({ ...stream, NextToken: first.NextToken }));
    const found = [...(first.Fragments ?? []), ...(second.Fragments ?? [])];
    expect(found.map((fragment) => fragment.FragmentNumber).sort()).toEqual(allNumbers.slice(1, 4));
    expect(second.NextToken).toBeUndefined();
  });

  it('sends the fragments of a list in its order, and an error for one that is not there', async () => {
    const { endpoint } = await start({ streams: kept });
    const { archived } = clients(endpoint);
    const Fragments = [allNumbers[5] ?? '', '99', allNumbers[0] ?? ''];
    const output = await archived.send(new GetMediaForFragmentListCommand({ StreamName: 'camera', Fragments }));
    const fragments = await readBody(bodyOf(output.Payload));
    expect(numbersOf(fragments)).toEqual(Fragments);
    expect(fragments[1]?.tags.get('EXCEPTION_ERROR_CODE')).toBe('4000');
    expect(fragments[1]?.tags.get('EXCEPTION_MESSAGE')).toBe('Requested fragment is not found');
    expect(fragments[0]?.tags.has('SERVER_SIDE_TIMESTAMP')).toBe(true);
    expect(fragments[0]?.tags.has('MILLIS_BEHIND_NOW')).toBe(false);
    expect(fragments.map(({ frames }) => frames.length)).toEqual([86, 0, 101]);
  });

  it('refuses wrong requests', async () => {
    const { endpoint } = await start({ streams: kept, limits: false });
    const { archived } = clients(endpoint);
    const send = (Fragments: string[]) =>
      archived.send(new GetMediaForFragmentListCommand({ StreamName: 'camera', Fragments }));
    await expect(send([])).rejects.toMatchObject({ name: 'InvalidArgumentException' });
    await expect(send(new Array(1001).fill('1'))).rejects.toMatchObject({ name: 'InvalidArgumentException' });
    await expect(list(endpoint, { MaxResults: 1001 })).rejects.toMatchObject({ name: 'InvalidArgumentException' });
    const wrongToken = new ListFragmentsCommand({ StreamName: 'camera', NextToken: 'x' });
    await expect(archived.send(wrongToken)).rejects.toMatchObject({ name: 'InvalidArgumentException' });
  });
});
