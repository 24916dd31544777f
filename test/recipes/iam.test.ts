import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DynamoDbCheckpointStore } from '../../examples/recipes/dynamodb-checkpoint-store.js';
import { makeHandler } from '../../examples/recipes/lambda-checkpoint.js';
import { uploadFragments, uploadMp4 } from '../../examples/recipes/s3-upload.js';
import { dashUrl, FragmentListConsumer, GetMediaConsumer, getClip, hlsUrl, images } from '../../src/client/index.js';
import { type LocalKinesisVideo, startLocalKinesisVideo } from '../../src/testing/index.js';
import { startDynamoDb } from './dynamodb.js';
import { LocalS3 } from './s3.js';
import { clientConfigOf, FRAGMENTS, RECORDING } from './support.js';

interface Policy {
  readonly Version: string;
  readonly Statement: readonly {
    readonly Effect: string;
    readonly Action: readonly string[];
    readonly Resource: string;
  }[];
}

const FOLDER = 'examples/recipes/iam';

function actionsOf(name: string): string[] {
  const { Version, Statement }: Policy = JSON.parse(readFileSync(`${FOLDER}/${name}.json`, 'utf8'));
  expect(Version).toBe('2012-10-17');
  for (const { Effect, Action, Resource } of Statement) {
    expect(Effect).toBe('Allow');
    const service = Action[0]?.split(':')[0];
    // Nothing is allowed for resources of others.
    expect(Resource).toMatch(
      new RegExp(`^arn:aws:${service}:.*(stream/door/\\*|table/checkpoints|recordings/door/\\*)$`),
    );
    for (const action of Action) expect(action).toMatch(new RegExp(`^${service}:\\w+$`));
  }
  return Statement.flatMap(({ Action }) => Action).sort();
}

let local: LocalKinesisVideo;
let db: Awaited<ReturnType<typeof startDynamoDb>>;
let s3: LocalS3;
const dynamoDbActions = new Set<string>();
beforeAll(async () => {
  const streams = { door: { source: RECORDING } };
  [local, db, s3] = await Promise.all([startLocalKinesisVideo({ streams }), startDynamoDb(), LocalS3.start()]);
  db.client.middlewareStack.add(
    (next, { commandName }) =>
      (args) => {
        dynamoDbActions.add(`dynamodb:${String(commandName).replace(/Command$/, '')}`);
        return next(args);
      },
    { step: 'initialize' },
  );
});
afterAll(async () => {
  await local.close();
  await db.close();
  await s3.close();
});

const range = () => ({ type: 'SERVER_TIMESTAMP', from: new Date(0), to: new Date(Date.now() + 60_000) }) as const;
const door = () => ({ streamName: 'door', clientConfig: clientConfigOf(local) });

/** What is done with each policy. */
const USES: Readonly<Record<string, () => Promise<void>>> = {
  'get-media-consumer': async () => {
    let fragments = 0;
    for await (const _ of new GetMediaConsumer({ ...door(), start: { type: 'EARLIEST' } }))
      if (++fragments === FRAGMENTS) break;
  },
  'fragment-list-consumer': async () => {
    for await (const _ of new FragmentListConsumer({ ...door(), range: range() }));
  },
  images: async () => {
    // Nothing here decodes: what is asked for counts.
    for await (const _ of images({ ...door(), range: { ...range(), to: new Date(1000) }, samplingIntervalMs: 200 }));
  },
  'streaming-urls': async () => {
    await hlsUrl(door());
    await dashUrl(door());
  },
  'get-clip': async () => {
    for await (const _ of getClip({ ...door(), range: range() }));
  },
  'lambda-checkpoint': async () => {
    const { client: dynamoDb, tableName } = db;
    const consumer = { clientConfig: clientConfigOf(local) };
    const context = { awsRequestId: 'run', getRemainingTimeInMillis: () => 60_000 };
    await makeHandler({ streamName: 'door', dynamoDb, tableName, process: async () => {}, consumer })({}, context);
    // A write that is refused is explained by what is in the row.
    const store = new DynamoDbCheckpointStore({ client: dynamoDb, tableName, stream: 'door', owner: 'another' });
    await expect(store.save({ fragmentNumber: '1' })).rejects.toThrow('was taken over');
  },
  's3-upload': async () => {
    const target = { client: s3.client(), bucket: 'recordings' };
    const ended = new AbortController();
    const consumer = new GetMediaConsumer({ ...door(), start: { type: 'EARLIEST' }, signal: ended.signal });
    async function* documents() {
      let count = 0;
      for await (const document of consumer.documents()) {
        yield document;
        if (++count === FRAGMENTS) return;
      }
    }
    await uploadFragments({ documents }, 'door', target);
    const recording = new Uint8Array(readFileSync(RECORDING));
    async function* broken(): AsyncGenerator<Uint8Array, undefined> {
      for (let round = 0; round < 40; round++) yield recording;
      throw new Error('the line is dead');
    }
    await expect(uploadMp4(broken(), 'door/clip.mp4', target)).rejects.toThrow('dead');
  },
};

describe('the IAM policies', () => {
  it('are there for each use', () => {
    expect(readdirSync(FOLDER).sort()).toEqual(
      Object.keys(USES)
        .map((name) => `${name}.json`)
        .sort(),
    );
  });

  it.each(Object.entries(USES))('%s allows what is asked for, and nothing else', async (name, use) => {
    const before = local.requests.length;
    dynamoDbActions.clear();
    s3.actions.clear();
    await use();
    const asked = new Set(local.requests.slice(before).map(({ operation }) => `kinesisvideo:${operation}`));
    expect([...asked, ...dynamoDbActions, ...s3.actions].sort()).toEqual(actionsOf(name));
  });
});
