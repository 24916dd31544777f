import { afterAll, beforeAll, expect, it } from 'vitest';
import { ALARMS, reportToCloudWatch } from '../../examples/recipes/cloudwatch-metrics.js';
import { FragmentListConsumer, GetMediaConsumer } from '../../src/client/index.js';
import { type LocalKinesisVideo, scriptedFaults } from '../../src/testing/index.js';
import { clientConfigOf, FRAGMENTS, startDoor } from './support.js';

let local: LocalKinesisVideo;
beforeAll(async () => {
  local = await startDoor();
});
afterAll(() => local.close());

/** A line as CloudWatch Logs reads it. */
interface Line {
  readonly _aws: {
    readonly Timestamp: number;
    readonly CloudWatchMetrics: readonly {
      readonly Namespace: string;
      readonly Dimensions: readonly (readonly string[])[];
      readonly Metrics: readonly { readonly Name: string; readonly Unit: string }[];
    }[];
  };
  readonly [member: string]: unknown;
}

it('writes a line of the embedded metric format for each stream, and what is counted begins anew', async () => {
  const lines: Line[] = [];
  const end = reportToCloudWatch({ namespace: 'Test', intervalMs: 1e9, write: (line) => lines.push(JSON.parse(line)) });
  local.setFaults(
    scriptedFaults([
      { operation: 'GetMedia', faults: [{ kind: 'error', type: 'ClientLimitExceededException' }] },
      { operation: 'GetMediaForFragmentList', faults: [{ kind: 'fragment-error', fragment: 0, code: 4501 }] },
    ]),
  );
  const clientConfig = clientConfigOf(local);
  let fragments = 0;
  for await (const _ of new GetMediaConsumer({
    streamName: 'door',
    clientConfig,
    start: { type: 'EARLIEST' },
    baseDelayMs: 1,
  }))
    if (++fragments === FRAGMENTS) break;
  const streamARN = local.stream('door').arn;
  const range = { type: 'SERVER_TIMESTAMP', from: new Date(0), to: new Date() } as const;
  for await (const _ of new FragmentListConsumer({ streamARN, clientConfig, range, onFailure: () => {} }));
  end();
  expect(lines.map(({ Stream }) => Stream)).toEqual(['door', streamARN]);
  expect(lines[0]).toMatchObject({ Fragments: FRAGMENTS, Frames: 719, Retries: 1, Gaps: 0, MillisBehindNow: 0 });
  expect(lines[1]).toMatchObject({ Fragments: FRAGMENTS - 1, Gaps: 1 });

  for (const line of lines) {
    expect(Math.abs(line._aws.Timestamp - Date.now())).toBeLessThan(3_600_000);
    const [directive] = line._aws.CloudWatchMetrics;
    expect(directive).toMatchObject({ Namespace: 'Test', Dimensions: [['Stream']] });
    // Everything that the directive names is there as a number, and the dimension as text.
    for (const { Name, Unit } of directive?.Metrics ?? []) {
      expect(Unit).toMatch(/^(Count|Bytes|Milliseconds)$/);
      expect(line[Name], Name).toEqual(expect.any(Number));
    }
  }
  const told = new Set(lines.flatMap((line) => line._aws.CloudWatchMetrics[0]?.Metrics.map(({ Name }) => Name) ?? []));
  for (const { MetricName } of ALARMS) expect(told).toContain(MetricName);

  // Ended: nothing is counted any more.
  for await (const _ of new GetMediaConsumer({ streamName: 'door', clientConfig, start: { type: 'EARLIEST' } })) break;
  expect(lines).toHaveLength(2);
});

it('reports each interval, a stream that is silent among them', async () => {
  const lines: Line[] = [];
  const end = reportToCloudWatch({ intervalMs: 5, write: (line) => lines.push(JSON.parse(line)) });
  try {
    const consumer = new GetMediaConsumer({
      streamName: 'door',
      clientConfig: clientConfigOf(local),
      start: { type: 'EARLIEST' },
    });
    for await (const _ of consumer) break;
    const before = lines.length;
    await expect.poll(() => lines.length).toBeGreaterThan(before + 2);
  } finally {
    end();
  }
  expect(lines.reduce((sum, { Fragments }) => sum + Number(Fragments), 0)).toBe(1);
  expect(lines.at(-1)).not.toHaveProperty('MillisBehindNow');
  expect(Number(lines.at(-1)?.['MillisSinceLastFragment'])).toBeGreaterThan(0);
});
