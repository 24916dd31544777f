/** Text of a stream in a form that can't steer a terminal. */
export function printable(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** Microseconds as seconds with as many decimals as they have, at least three. */
export function seconds(microseconds: number): string {
  const text = (microseconds / 1e6).toFixed(6);
  return `${text.replace(/(\.\d{3}\d*?)0+$/, '$1')} s`;
}
