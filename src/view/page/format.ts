const SIZE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** A number with its digits in groups of three. */
export function grouped(number: number): string {
  return String(number).replace(/\B(?=(\d{3})+(?!\d))/g, '\u2009');
}

/** A number of things: `1 gap`, `2 gaps`. */
export function countText(number: number, thing: string): string {
  return `${grouped(number)} ${thing}${number === 1 ? '' : 's'}`;
}

/** A number of bytes in a unit that leaves three digits: `9.1 kB`. */
export function sizeText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < SIZE_UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toPrecision(3)} ${SIZE_UNITS[unit]}`;
}

/** Bits in a second in a unit that leaves three digits. */
export function bitRateText(bitsPerSecond: number): string {
  return sizeText(bitsPerSecond).replace(/ (k|M|G|T)?B$/, (_, prefix = '') => ` ${prefix}bit/s`);
}

/** Microseconds as seconds, to the microsecond where they have any. */
export function secondsText(microseconds: number | undefined): string {
  if (microseconds === undefined || !Number.isFinite(microseconds)) return '';
  return (microseconds / 1e6).toFixed(6).replace(/(\.\d{3}\d*?)0+$/, '$1');
}

/** A moment in UTC, to the millisecond; nothing for one that no calendar has. */
export function momentText(milliseconds: number | undefined): string {
  if (milliseconds === undefined || !(Math.abs(milliseconds) <= 8.64e15)) return '';
  return new Date(milliseconds).toISOString().replace('T', ' ').replace('Z', '');
}

/** Milliseconds as a span in words: `613 ms`, `15.9 s`, `2 h 5 min`. */
export function spanText(milliseconds: number): string {
  const sign = Math.round(milliseconds) < 0 ? '−' : '';
  const value = Math.abs(milliseconds);
  if (value < 1000) return `${sign}${Math.round(value)} ms`;
  if (value < 60_000) return `${sign}${Number((value / 1000).toFixed(value < 10_000 ? 2 : 1))} s`;
  const minutes = Math.round(value / 60_000);
  if (minutes < 60) return `${sign}${Math.floor(value / 60_000)} min ${Math.floor((value % 60_000) / 1000)} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${sign}${hours} h ${minutes % 60} min` : `${sign}${Math.round(hours / 24)} d`;
}

/** An offset as both a decimal and what hex panes show. */
export function offsetText(offset: number): string {
  return `${grouped(offset)} (0x${offset.toString(16)})`;
}
