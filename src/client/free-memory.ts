let port: MessagePort | undefined;

/**
 * Gives memory back at once. The garbage collector would find out later, and what lies outside of its heap makes it look the more often.
 * Views of the buffer have a length of 0 from then on.
 */
export function freeMemory(buffer: ArrayBuffer): void {
  // ECMAScript 2024. Node has it from version 22 on.
  const transfer: unknown = Reflect.get(buffer, 'transfer');
  if (typeof transfer === 'function') transfer.call(buffer, 0);
  // What is sent to a closed port is taken from the sender all the same (HTML, message port post message steps), and is gone.
  else {
    port ??= closedPort();
    port.postMessage(0, [buffer]);
  }
}

function closedPort(): MessagePort {
  const { port1 } = new MessageChannel();
  port1.close();
  return port1;
}
