/** A number of things, for messages: `1 channel`, `2 channels`. */
export function count(number: number, thing: string, things = `${thing}s`): string {
  return `${number} ${number === 1 ? thing : things}`;
}
