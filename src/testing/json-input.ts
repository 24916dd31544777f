import type { LocalStream } from './local-stream.js';
import type { Service } from './service.js';
import { ServiceError } from './service-error.js';

/** The JSON object of a request: what may be in it, nothing of it checked. */
export interface JsonInput {
  readonly StreamName?: unknown;
  readonly StreamARN?: unknown;
  readonly StreamNameCondition?: { readonly ComparisonValue?: unknown };
  readonly APIName?: unknown;
  readonly MaxResults?: unknown;
  readonly NextToken?: unknown;
  readonly FragmentSelector?: { readonly FragmentSelectorType?: unknown; readonly TimestampRange?: TimestampRange };
  readonly Fragments?: unknown;
  readonly StartSelector?: StartSelector;
  readonly [name: string]: unknown;
}

/** A range of time in a request, in seconds since 1970. */
export interface TimestampRange {
  readonly StartTimestamp?: unknown;
  readonly EndTimestamp?: unknown;
}

/** Where GetMedia is to start. */
export interface StartSelector {
  readonly StartSelectorType?: unknown;
  readonly AfterFragmentNumber?: unknown;
  readonly StartTimestamp?: unknown;
  readonly ContinuationToken?: unknown;
}

/** The stream that a JSON request names. */
export function named(service: Service, input: JsonInput): LocalStream {
  return service.findStream(input.StreamName, input.StreamARN);
}

/** An argument that is wrong. */
export function invalid(message: string): ServiceError {
  return new ServiceError('InvalidArgumentException', message);
}

/** One of a few words in a request. Throws InvalidArgumentException where it is another. */
export function oneOf<T extends string>(input: JsonInput, name: string, choices: readonly T[], usual: T): T {
  const { [name]: value = usual } = input;
  const found = choices.find((choice) => choice === value);
  if (found === undefined) throw invalid(`${name} must be one of ${choices.join(', ')}, not ${JSON.stringify(value)}.`);
  return found;
}

/** An integer in a request. Throws InvalidArgumentException where it is none, or out of its range. */
export function integer(input: JsonInput, name: string, least: number, most: number): number | undefined {
  const { [name]: value } = input;
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) {
    throw invalid(`${name} must be an integer from ${least} to ${most}, not ${JSON.stringify(value)}.`);
  }
  return value;
}

/** A time in a request, in milliseconds since 1970. Throws InvalidArgumentException where it is missing or none. */
export function moment(value: unknown, name: string): number {
  if (typeof value === 'number' && Number.isFinite(value)) return Math.round(value * 1000);
  throw invalid(`${name} is missing or no time.`);
}

/** An object in a request; `undefined` where it is missing. Throws InvalidArgumentException where it is something else. */
export function objectIn(value: unknown, name: string): Readonly<Record<string, unknown>> | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'object') return Object.fromEntries(Object.entries(value));
  throw invalid(`${name} is no object.`);
}
