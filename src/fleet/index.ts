/**
 * Streams on many machines, on BullMQ (Redis or Valkey), whose package is an optional peer of this one: {@link StreamFleet} says what is to
 * be followed and dealt with, {@link FleetWorker} does it. For Node only.
 *
 * @module kvs-parser/fleet
 */
export { PeerError, type PeerErrorCode } from '../client/peer.js';
export { FleetWorker, type FleetWorkerOptions, type WorkerEvent, type WorkerHealth } from './fleet-worker.js';
export type { FleetHandler, HandlerContext } from './handler.js';
export type { FleetConnection, StreamName } from './names.js';
export type { FragmentResult } from './part.js';
export type { RangeProgress, RangeRun } from './range-run.js';
export {
  type FollowedStream,
  type FollowOptions,
  type ProcessOptions,
  type StoredStretch,
  StreamFleet,
  type StreamFleetOptions,
} from './stream-fleet.js';
