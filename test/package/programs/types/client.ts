import { FragmentListConsumer, type GetMediaConsumer } from 'kvs-parser/client';

export async function use(consumer: GetMediaConsumer): Promise<void> {
  for await (const fragment of consumer) {
    // @ts-expect-error what comes is typed, and not any
    fragment.nothing;
  }
  for await (const piece of consumer.bytes()) {
    const length: number = piece.length;
    // @ts-expect-error what comes is typed, and not any
    const text: string = length;
    void text;
  }
  void FragmentListConsumer;
}
