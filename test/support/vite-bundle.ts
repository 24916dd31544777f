import { build } from 'vite';
import type { Route } from './browser.js';

/**
 * A page with one script, built as an application would be with Vite: the routes to serve it at.
 *
 * @param entry the path of the script
 * @param html what the page shows
 */
export async function buildPage(entry: string, html = ''): Promise<Record<string, Route>> {
  const result = await build({
    configFile: false,
    logLevel: 'error',
    build: { write: false, rolldownOptions: { input: entry } },
  });
  const routes: Record<string, Route> = {};
  let script: string | undefined;
  for (const { output } of Array.isArray(result) ? result : 'output' in result ? [result] : []) {
    for (const file of output) {
      if (file.type !== 'chunk') continue;
      routes[`/${file.fileName}`] = { type: 'text/javascript', body: file.code };
      if (file.isEntry) script = file.fileName;
    }
  }
  if (script === undefined) throw new Error(`${entry} was not built`);
  const body = `<!doctype html>${html}<script type="module" src="/${script}"></script>`;
  return { ...routes, '/': { type: 'text/html', body } };
}
