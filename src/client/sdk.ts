import type { ControlClient, ServiceAccess } from './access.js';
import { ClientPool, type Lease, ownLease } from './client-pool.js';
import { openAgents } from './node-agents.js';
import { checkPeer, peerError } from './peer.js';

const controls = new ClientPool<ControlClient>();

/** The renewals of credentials that are going on. */
const renewals = new WeakMap<ControlClient, Promise<void>>();

/**
 * The package of the control plane.
 *
 * Each package is imported in a module of its own, by its name and within `try`: bundlers then take it along where it is installed, and
 * take it for optional where it is not.
 */
export async function loadControl() {
  try {
    return checkPeer(await import('@aws-sdk/client-kinesis-video'), 'KinesisVideoClient');
  } catch (cause) {
    throw peerError('@aws-sdk/client-kinesis-video', cause);
  }
}

/** The client that was injected, or one that consumers with the same configuration share; a new one begins with the clock's offset in milliseconds. */
export async function openControl(access: ServiceAccess, clockOffset?: number): Promise<Lease<ControlClient>> {
  const { client, clientConfig } = access;
  if (client !== undefined) return ownLease(client, () => {});
  const { KinesisVideoClient } = await loadControl();
  return controls.acquire(
    [clientConfig],
    () =>
      makeClient<ControlClient>(
        (handler) =>
          new KinesisVideoClient({ maxAttempts: 1, ...handler, ...clientConfig, ...withClockOffset(clockOffset) }),
        clientConfig,
      ),
    (made) => {
      if (!sharesHandler([clientConfig])) made.destroy?.();
    },
  );
}

/**
 * Asks the provider of the credentials for new ones, though it may think that those it gave are still good. Those who ask at the same time
 * ask together.
 */
export function renewCredentials(control: ControlClient): Promise<void> {
  const running = renewals.get(control);
  if (running !== undefined) return running;
  const renewal = askForCredentials(control).finally(() => {
    if (renewals.get(control) === renewal) renewals.delete(control);
  });
  renewals.set(control, renewal);
  return renewal;
}

/** The provider has not answered in time: who asks next asks it again. */
export function abandonRenewal(control: ControlClient): void {
  renewals.delete(control);
}

async function askForCredentials(control: ControlClient): Promise<void> {
  const credentials: unknown = control.config?.credentials;
  if (typeof credentials === 'function') await credentials({ forceRefresh: true });
}

/** How far a client of the SDK has learned its clock to be behind, in milliseconds; `undefined` where it has learned nothing. */
export function clockOffsetOf(client: object | undefined): number | undefined {
  const config: unknown = client === undefined ? undefined : Reflect.get(client, 'config');
  if (typeof config !== 'object' || config === null) return undefined;
  const offset: unknown = Reflect.get(config, 'systemClockOffset');
  return typeof offset === 'number' && offset !== 0 ? offset : undefined;
}

/** What all clients have in common: the caller's configuration, and region and credentials as the control client resolved them. */
export function sharedConfig(access: ServiceAccess, control: ControlClient, clockOffset: number | undefined) {
  const { region, credentials } = control.config ?? {};
  return {
    maxAttempts: 1,
    ...access.clientConfig,
    ...withClockOffset(clockOffset),
    ...(region === undefined ? {} : { region }),
    ...(credentials === undefined ? {} : { credentials }),
  };
}

function withClockOffset(clockOffset: number | undefined): { readonly systemClockOffset?: number } {
  return clockOffset === undefined ? {} : { systemClockOffset: clockOffset };
}

/**
 * Makes a client: with agents of its own, unless a request handler is given. One client has all the connections of a process, and
 * the SDK's agents have no more than 50.
 *
 * @param make makes the client with this added to its configuration
 */
export function makeClient<C extends { destroy?(): void }>(
  make: (handler: { readonly requestHandler?: object }) => C,
  ...configs: readonly ({ readonly requestHandler?: unknown } | undefined)[]
): C {
  const agents = sharesHandler(configs) ? undefined : openAgents();
  if (agents === undefined) return make({});
  const client = make({ requestHandler: agents });
  const config: unknown = Reflect.get(client, 'config');
  const handler: unknown = typeof config === 'object' && config !== null ? Reflect.get(config, 'requestHandler') : null;
  // Older versions of the SDK take no options for a handler, but only a handler.
  if (typeof handler === 'object' && handler !== null && 'handle' in handler) return client;
  return make({});
}

/** Whether a request handler was given: it may serve others, and a client that is destroyed closes its handler. */
export function sharesHandler(configs: readonly ({ readonly requestHandler?: unknown } | undefined)[]): boolean {
  return configs.some((config) => config?.requestHandler !== undefined);
}
