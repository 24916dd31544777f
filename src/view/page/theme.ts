import { type Signal, signal } from '@preact/signals';

/** Colours of what is drawn on canvases, as the style sheet has them. */
export type Colours = Record<(typeof NAMES)[number], string>;

const NAMES = ['ink', 'quiet', 'paper', 'line', 'block', 'key', 'bad', 'warn', 'cursor', 'lane', 'mark'] as const;

/** The colours at hand: others when the user turns to dark or light. */
export const colours: Signal<Colours> = signal(read());

function read(): Colours {
  const style = getComputedStyle(document.documentElement);
  const entries = NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim() || '#888']);
  return Object.fromEntries(entries) as Colours;
}

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  colours.value = read();
});
// The style sheet may come after the script.
addEventListener('load', () => {
  colours.value = read();
});

/** Colours of tracks, told apart by lightness too. */
export const TRACK_COLOURS: readonly string[] = ['#3b82c4', '#d9822b', '#7a5cc9', '#2e9e6b', '#c2447c'];
