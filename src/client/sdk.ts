import type { ControlClient, ServiceAccess } from './access.js';
import { checkPeer, peerError } from './peer.js';

/** A control client, and what is known of how it was made. */
export interface Control {
  readonly client: ControlClient;
  /** It was made here and nothing else uses its connections: it may be destroyed. */
  readonly disposable: boolean;
}

/**
 * The package of the control plane.
 *
 * Each package is imported in a module of its own, by its name and within `try`: bundlers then take it along where it is installed, and
 * take it for optional where it is not.
 */
export async function loadControl() {
  try {
    return checkPeer(
      '@aws-sdk/client-kinesis-video',
      await import('@aws-sdk/client-kinesis-video'),
      'KinesisVideoClient',
    );
  } catch (cause) {
    throw peerError('@aws-sdk/client-kinesis-video', cause);
  }
}

/** The client that was injected, or a new one that begins with the clock's offset in milliseconds. */
export async function openControl(access: ServiceAccess, clockOffset: number | undefined): Promise<Control> {
  const { client, clientConfig } = access;
  if (client !== undefined) return { client, disposable: false };
  const { KinesisVideoClient } = await loadControl();
  const control = new KinesisVideoClient({ maxAttempts: 1, ...clientConfig, ...withClockOffset(clockOffset) });
  return { client: control, disposable: !sharesHandler(clientConfig) };
}

/** Asks the provider of the credentials for new ones, though it may think that those it gave are still good. */
export async function renewCredentials(control: ControlClient): Promise<void> {
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

/** Whether a request handler was given: it may serve others, and a client that is destroyed closes its handler. */
export function sharesHandler(...configs: readonly ({ readonly requestHandler?: unknown } | undefined)[]): boolean {
  return configs.some((config) => config?.requestHandler !== undefined);
}
