import { type Signal, signal } from '@preact/signals';

/** What has just been done, or could not be: shown in the page's status line. */
export const notice: Signal<string> = signal('');
