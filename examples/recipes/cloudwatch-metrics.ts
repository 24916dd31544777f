import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { DiagnosticMessages } from 'kvs-parser/client';

/** What is told of a stream each minute, with the units of CloudWatch. */
const UNITS = {
  /** Fragments that were handed out. */
  Fragments: 'Count',
  Frames: 'Count',
  /** Of frames. */
  Bytes: 'Bytes',
  /** Calls that failed and are made again. */
  Retries: 'Count',
  /** Times that media could not be had. */
  Gaps: 'Count',
  /** Since the last fragment; before the first one, since the stream was first heard of. */
  MillisSinceLastFragment: 'Milliseconds',
  /** How far the last fragment was behind the newest of the stream; nothing where none came. */
  MillisBehindNow: 'Milliseconds',
} as const;

/** What to be woken by: the part of `PutMetricAlarm` that is the same for all streams. The period is one minute. */
export const ALARMS = [
  {
    AlarmDescription: 'Nothing comes: the camera is off, or the consumer has ended or stands still.',
    ...{ MetricName: 'MillisSinceLastFragment', Statistic: 'Maximum', TreatMissingData: 'breaching' },
    ...{ ComparisonOperator: 'GreaterThanThreshold', Threshold: 120_000, EvaluationPeriods: 2 },
  },
  {
    AlarmDescription: 'The consumer is slower than the stream: give it more processor time, or fewer streams.',
    ...{ MetricName: 'MillisBehindNow', Statistic: 'Minimum', TreatMissingData: 'notBreaching' },
    ...{ ComparisonOperator: 'GreaterThanThreshold', Threshold: 60_000, EvaluationPeriods: 5 },
  },
  {
    AlarmDescription: 'Media is lost: the log of `onGap` says which fragments, and why.',
    ...{ MetricName: 'Gaps', Statistic: 'Sum', TreatMissingData: 'notBreaching' },
    ...{ ComparisonOperator: 'GreaterThanThreshold', Threshold: 0, EvaluationPeriods: 1 },
  },
  {
    AlarmDescription: 'Calls fail again and again: limits, network or credentials.',
    ...{ MetricName: 'Retries', Statistic: 'Sum', TreatMissingData: 'notBreaching' },
    ...{ ComparisonOperator: 'GreaterThanThreshold', Threshold: 20, EvaluationPeriods: 3 },
  },
] as const;

/** How metrics are written. */
export interface CloudWatchMetricsOptions {
  /** Default `KinesisVideoConsumers`. */
  readonly namespace?: string;
  /** Default 60,000. */
  readonly intervalMs?: number;
  /** Takes a line of JSON. Default: standard output, from where Lambda, ECS and the CloudWatch agent send it to CloudWatch Logs. */
  readonly write?: (line: string) => void;
}

/**
 * Writes metrics of all consumers of this process in the embedded metric format of CloudWatch, a line for each stream and minute.
 *
 * @returns ends it, and writes what has come since the last time
 */
export function reportToCloudWatch(options: CloudWatchMetricsOptions = {}): () => void {
  const { namespace = 'KinesisVideoConsumers', intervalMs = 60_000, write = console.log } = options;
  const streams = new Map<string, StreamMetrics>();
  const ends = [
    listen('fragment', ({ frames, frameBytes, millisBehindNow }, metrics) => {
      metrics.counts.Fragments++;
      metrics.counts.Frames += frames;
      metrics.counts.Bytes += frameBytes;
      metrics.millisBehindNow = millisBehindNow;
      metrics.lastFragmentAt = Date.now();
    }),
    listen('retry', (_, { counts }) => counts.Retries++),
    listen('gap', (_, { counts }) => counts.Gaps++),
    listen('connection', () => {}), // makes a stream known that has nothing yet
  ];

  function listen<K extends keyof DiagnosticMessages>(
    channel: K,
    note: (message: DiagnosticMessages[K], metrics: StreamMetrics) => void,
  ): () => void {
    const listener = (published: unknown) => {
      const message = published as DiagnosticMessages[K]; // channels of Node have no types
      const stream = message.stream.streamName ?? message.stream.streamARN;
      const metrics = streams.get(stream) ?? new StreamMetrics();
      streams.set(stream, metrics);
      note(message, metrics);
    };
    subscribe(`kvs-parser:${channel}`, listener);
    return () => unsubscribe(`kvs-parser:${channel}`, listener);
  }

  const report = () => {
    for (const [Stream, metrics] of streams) {
      const Timestamp = Date.now();
      const values = metrics.take(Timestamp);
      const Metrics = Object.entries(UNITS).flatMap(([Name, Unit]) => (Name in values ? [{ Name, Unit }] : []));
      const CloudWatchMetrics = [{ Namespace: namespace, Dimensions: [['Stream']], Metrics }];
      write(JSON.stringify({ _aws: { Timestamp, CloudWatchMetrics }, Stream, ...values }));
    }
  };
  const timer = setInterval(report, intervalMs).unref();
  return () => {
    clearInterval(timer);
    for (const end of ends) end();
    report();
  };
}

/** What has come of a stream since the last report. */
class StreamMetrics {
  counts = { Fragments: 0, Frames: 0, Bytes: 0, Retries: 0, Gaps: 0 };
  millisBehindNow: number | undefined;
  lastFragmentAt = Date.now();

  take(now: number): Partial<Record<keyof typeof UNITS, number>> {
    const { counts, millisBehindNow, lastFragmentAt } = this;
    this.counts = { Fragments: 0, Frames: 0, Bytes: 0, Retries: 0, Gaps: 0 };
    this.millisBehindNow = undefined;
    const behind = millisBehindNow === undefined ? {} : { MillisBehindNow: millisBehindNow };
    return { ...counts, ...behind, MillisSinceLastFragment: now - lastFragmentAt };
  }
}
