import { expect, it } from 'vitest';
import { checkPeer, peerError } from '../../src/client/peer.js';
import { toKinesisVideoError } from '../../src/client/service-error.js';

const NAME = '@aws-sdk/client-kinesis-video-media';

it.each([
  ['Node', `Cannot find package '${NAME}' imported from /app/index.js`],
  ['Bun', `Cannot find package '${NAME}' from '/app/index.js'`],
  ['Deno', `Relative import path "${NAME}" not prefixed with / or ./ or ../`],
  ['webpack', `Cannot find module '${NAME}'`],
  ['Vite', `Could not resolve "${NAME}" imported by "kvs-parser". Is it installed?`],
  ['a browser', `Failed to resolve module specifier '${NAME}'`],
])('a package that is not installed is named in %s', (_, message) => {
  const cause = new TypeError(message);
  expect(peerError(NAME, cause)).toMatchObject({
    message: `kvs-parser/client needs the package ${NAME}: install it beside kvs-parser`,
    cause,
  });
});

it.each([
  ['a dependency is missing', `Cannot find package '@smithy/core' imported from /app/node_modules/${NAME}/index.js`],
  ['a file is missing', `Cannot find module '/app/node_modules/${NAME}/dist-es/index.js' imported from /app/index.js`],
  ['it throws', 'fetch is not defined'],
])('a package that does not load says why: %s', (_, message) => {
  const cause = new Error(message);
  expect(peerError(NAME, cause)).toMatchObject({ message: `the package ${NAME} does not load: ${message}`, cause });
  expect(peerError(NAME, message).message).toContain(message);
});

it('an empty module in the place of a package is a package that is not installed', () => {
  const empty: { readonly Client?: unknown } = {};
  let thrown: unknown;
  try {
    checkPeer(NAME, empty, 'Client');
  } catch (error) {
    thrown = error;
  }
  expect(peerError(NAME, thrown).message).toContain('install it beside kvs-parser');
  const whole = { Client: class {} };
  expect(checkPeer(NAME, whole, 'Client')).toBe(whole);
});

it('is final, whatever words the cause has', () => {
  const thrown = peerError(NAME, new Error("Cannot find package '@smithy/fetch-http-handler' imported from x"));
  const error = toKinesisVideoError('GetMedia', thrown);
  expect(error).toMatchObject({ kind: 'final', code: 'PeerError' });
  expect(error.message).toContain('@smithy/fetch-http-handler');
});
