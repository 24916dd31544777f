import { UsageError } from './command.js';

const DATE = /^(\d{4}-\d\d-\d\d)$/;
const TIME = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(Z|[+-]\d\d:?\d\d)?$/i;

/**
 * The time that an option was given: ISO 8601 with a time zone, or a date alone, which is its midnight in UTC.
 *
 * @param option with its dashes
 * @param others other forms that the option takes, for the message
 * @throws UsageError when it is none
 */
export function timeOption(option: string, text: string, others = ''): Date {
  const [, day] = DATE.exec(text) ?? [];
  const [, date = day, time = '00:00', zone = day === undefined ? undefined : 'Z'] = TIME.exec(text) ?? [];
  const read = date === undefined ? Number.NaN : Date.parse(`${date}T${time}${withColon(zone ?? 'Z')}`);
  // The 30th of February would be taken for a day of March.
  if (Number.isNaN(read) || date === undefined || new Date(`${date}T00:00Z`).toISOString().slice(0, 10) !== date) {
    throw new UsageError(`${option} ${text}: not a time; write it as in 2026-01-31T12:00:00Z${others}`);
  }
  if (zone === undefined) {
    throw new UsageError(
      `${option} ${text}: the time zone is missing; write ${text}Z for UTC, or for example ${text}+02:00`,
    );
  }
  return new Date(read);
}

function withColon(zone: string): string {
  return zone.toUpperCase().replace(/^([+-]\d\d)(\d\d)$/, '$1:$2');
}
