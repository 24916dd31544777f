import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { Checkpoint, CheckpointStore } from 'kvs-parser/client';

/** Fragment numbers have up to 128 digits, and numbers of DynamoDB 38: they are kept as text of one length, which sorts as they do. */
const DIGITS = 128;

/** Which row of which table, and who writes it. */
export interface DynamoDbCheckpointOptions {
  readonly client: DynamoDBClient;
  /** Its partition key is the text `stream`. */
  readonly tableName: string;
  readonly stream: string;
  /** Who writes, for example a task's id. Another one may take the stream over; this one cannot save any more then. */
  readonly owner: string;
}

/**
 * Keeps a consumer's checkpoint in a row of a DynamoDB table. Every write is conditional: a checkpoint never moves back, and a process that
 * was taken for dead and lives cannot save over the one that goes on in its place.
 */
export class DynamoDbCheckpointStore implements CheckpointStore {
  readonly #options: DynamoDbCheckpointOptions;

  constructor(options: DynamoDbCheckpointOptions) {
    this.#options = options;
  }

  /** Takes the stream over from whoever had it, and gives the checkpoint to go on from. */
  async load(): Promise<Checkpoint | undefined> {
    const { client, tableName, stream, owner } = this.#options;
    const { Attributes } = await client.send(
      new UpdateItemCommand({
        TableName: tableName,
        Key: { stream: { S: stream } },
        UpdateExpression: 'SET #owner = :owner',
        ExpressionAttributeNames: { '#owner': 'owner' },
        ExpressionAttributeValues: { ':owner': { S: owner } },
        ReturnValues: 'ALL_NEW',
      }),
    );
    const text = Attributes?.['checkpoint']?.S;
    return text === undefined ? undefined : JSON.parse(text);
  }

  /** Throws where another process has taken the stream over: that ends the consumer. */
  async save(checkpoint: Checkpoint): Promise<void> {
    const { client, tableName, stream, owner } = this.#options;
    const position = checkpoint.fragmentNumber.padStart(DIGITS, '0');
    try {
      await client.send(
        new UpdateItemCommand({
          TableName: tableName,
          Key: { stream: { S: stream } },
          UpdateExpression: 'SET #checkpoint = :checkpoint, #position = :position',
          ConditionExpression: '#owner = :owner AND (attribute_not_exists(#position) OR #position <= :position)',
          ExpressionAttributeNames: { '#owner': 'owner', '#checkpoint': 'checkpoint', '#position': 'position' },
          ExpressionAttributeValues: {
            ':owner': { S: owner },
            ':checkpoint': { S: JSON.stringify(checkpoint) },
            ':position': { S: position },
          },
        }),
      );
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      // A write that was repeated may be behind a later one of ours: that is no reason to end.
      if ((await this.#owner()) !== owner)
        throw new Error(`${stream} was taken over: ${owner} may not save`, { cause: error });
    }
  }

  async #owner(): Promise<string | undefined> {
    const { client, tableName, stream } = this.#options;
    const { Item } = await client.send(
      new GetItemCommand({ TableName: tableName, Key: { stream: { S: stream } }, ConsistentRead: true }),
    );
    return Item?.['owner']?.S;
  }
}
