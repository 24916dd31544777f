import type { ConnectionEvent } from '../protocol.js';
import { momentText, spanText } from './format.js';
import type { Session } from './session.js';
import { ShownText } from './shown-text.js';

/** What has happened to the connection of a live stream. */
export function ConnectionPane({ session }: { readonly session: Session }) {
  const { events, delay } = session.data;
  const reconnects = events.filter(({ kind }) => kind === 'reconnect').length;
  const gaps = events.filter(({ kind }) => kind === 'gap').length;
  return (
    <div class="connection" tabIndex={0} role="group" aria-label="Connection">
      <dl class="facts">
        <div>
          <dt>Delay</dt>
          <dd>{delay === undefined ? 'not known yet' : spanText(Math.max(0, delay))}</dd>
        </div>
        <div>
          <dt>Reconnects</dt>
          <dd>{reconnects}</dd>
        </div>
        <div>
          <dt>Gaps</dt>
          <dd>{gaps}</dd>
        </div>
      </dl>
      <ol aria-label="Events">
        {[...events].reverse().map((event) => (
          <li
            key={`${event.at} ${event.kind}`}
            class={event.kind === 'gap' || event.kind === 'end' ? 'bad' : undefined}
          >
            {momentText(event.at)} <ShownText text={eventText(event)} most={500} />
          </li>
        ))}
      </ol>
    </div>
  );
}

/** An event of a connection in a sentence. */
function eventText(event: ConnectionEvent): string {
  switch (event.kind) {
    case 'open':
      return 'Connected to kvs view.';
    case 'reconnect':
      return `The service's connection ended (${event.reason}): another one in ${spanText(event.delayMs)}. ${event.message ?? ''}`;
    case 'retry':
      return `A call has failed and is made again: ${event.message}`;
    case 'gap':
      return `Fragments are missing (${event.reason}) between ${event.afterFragmentNumber ?? 'the beginning'} and ${event.beforeFragmentNumber ?? 'what comes next'}.`;
    case 'end':
      return event.error === undefined ? 'The stream has ended.' : `The stream does not go on: ${event.error}`;
  }
}
