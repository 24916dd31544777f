import { hex } from '../../ebml/header.js';
import type { SavedFile } from '../protocol.js';
import { notice } from './notice.js';
import { messageOf } from './session.js';
import { visibleText } from './visible-text.js';

/** Hands a file to the user. */
export function saveFile(name: string, blob: Blob): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The browser takes the blob when the click is handled; a slow one may do so later.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
  notice.value = `${visibleText(name)} was saved.`;
}

/** Saves what the worker makes, and says why where it cannot. */
export async function saveMade(made: Promise<SavedFile>): Promise<void> {
  try {
    const { name, type, bytes } = await made;
    saveFile(name, new Blob([bytes], { type }));
  } catch (error) {
    notice.value = `It cannot be saved: ${messageOf(error)}`;
  }
}

/** Copies values as JSON; where a page may not use the clipboard, they become a file. */
export async function copyJson(what: string, value: unknown): Promise<void> {
  let text: string;
  try {
    text = JSON.stringify(value, bytesAsHex, 2);
  } catch (error) {
    // A string has a longest length, and a table of a million frames is longer.
    notice.value = `${what} cannot be copied: ${messageOf(error)}`;
    return;
  }
  try {
    await navigator.clipboard.writeText(text);
    notice.value = `${what} copied as JSON.`;
  } catch {
    saveFile(`${what.toLowerCase().replaceAll(' ', '-')}.json`, new Blob([text], { type: 'application/json' }));
  }
}

function bytesAsHex(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? hexOf(value) : value;
}

/** Bytes in hexadecimal, without spaces. */
export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, hex).join('');
}
