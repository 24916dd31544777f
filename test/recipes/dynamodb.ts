import { createRequire } from 'node:module';
import type { AddressInfo, Server } from 'node:net';
import { CreateTableCommand, DynamoDBClient, waitUntilTableExists } from '@aws-sdk/client-dynamodb';

/** Makes a local DynamoDB: the package `dynalite`, which has no types. */
const makeServer: (options: { readonly createTableMs: number }) => Server = createRequire(import.meta.url)('dynalite');

/** A local DynamoDB with an empty table `checkpoints`. */
export async function startDynamoDb() {
  const server = makeServer({ createTableMs: 0 });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const credentials = { accessKeyId: 'any', secretAccessKey: 'any' };
  const client = new DynamoDBClient({ endpoint: `http://127.0.0.1:${port}`, region: 'local', credentials });
  const TableName = 'checkpoints';
  await client.send(
    new CreateTableCommand({
      TableName,
      AttributeDefinitions: [{ AttributeName: 'stream', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'stream', KeyType: 'HASH' }],
      BillingMode: 'PAY_PER_REQUEST',
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: 10, minDelay: 1, maxDelay: 1 }, { TableName });
  return {
    client,
    tableName: TableName,
    port,
    async close(): Promise<void> {
      client.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
