import { FleetWorker, type PeerError, StreamFleet } from 'kvs-parser/fleet';

export async function use(): Promise<void> {
  const fleet = new StreamFleet({ redis: 'redis://127.0.0.1' });
  for (const followed of await fleet.list()) {
    // @ts-expect-error what comes is typed, and not any
    followed.nothing;
  }
  // @ts-expect-error a handler is needed
  new FleetWorker({ redis: 'redis://127.0.0.1' });
  const code: 'PeerMissing' | 'PeerBroken' = (new Error() as PeerError).code;
  void code;
}
