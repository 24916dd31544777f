import type { ServedSources } from '../protocol.js';
import { notice } from './notice.js';
import { messageOf, openSource, served } from './session.js';

/** Opens what the server of `kvs view` has, where the page comes from one. */
export async function openServed(): Promise<void> {
  const address = document.querySelector<HTMLMetaElement>('meta[name="kvs-source"]')?.content;
  if (address === undefined || address === '') return;
  try {
    const response = await fetch(new URL(address, document.baseURI));
    if (!response.ok) throw new Error(`the server answers ${response.status}`);
    const sources: ServedSources = await response.json();
    served.value = sources;
    const [file] = sources.files;
    if (sources.live !== undefined) openSource({ kind: 'live', ...sources.live, url: absolute(sources.live.url) });
    else if (file !== undefined) openSource({ kind: 'url', ...file, url: absolute(file.url) });
  } catch (error) {
    notice.value = `kvs view cannot be reached: ${messageOf(error)}`;
  }
}

/** A worker has another base than its page. */
export function absolute(url: string): string {
  return new URL(url, document.baseURI).href;
}
