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
    code: 'PeerMissing',
    packageName: NAME,
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
  expect(peerError(NAME, cause)).toMatchObject({
    code: 'PeerBroken',
    message: `the package ${NAME} does not load: ${message}`,
    cause,
  });
  expect(peerError(NAME, message).message).toContain(message);
});

it.each([
  ['an empty module', {}],
  ['an empty module of CommonJS', { default: {}, 'module.exports': {} }],
  ['another version', { OtherClient: class {} }],
])('%s in the place of a package is told as what it may be', (_, module) => {
  expect(loading(module)).toMatchObject({
    code: 'PeerBroken',
    packageName: NAME,
    message: `the package ${NAME} does not load: it has no Client: it is not installed, incomplete, or another version`,
  });
});

it('a package that has what is used of it is taken', () => {
  const whole = { Client: class {} };
  expect(checkPeer(whole, 'Client')).toBe(whole);
});

/** What a loader throws that was given this module. */
function loading(module: Readonly<Record<string, unknown>>): unknown {
  try {
    return checkPeer(module, 'Client');
  } catch (cause) {
    return peerError(NAME, cause);
  }
}

it('is final, with the same code, whatever words the cause has', () => {
  const thrown = peerError(NAME, new Error("Cannot find package '@smithy/fetch-http-handler' imported from x"));
  const error = toKinesisVideoError('GetMedia', thrown);
  expect(error).toMatchObject({ kind: 'final', code: 'PeerBroken', cause: thrown });
  expect(error.message).toContain('@smithy/fetch-http-handler');
  const missing = peerError(NAME, new Error(`Cannot find package '${NAME}' imported from x`));
  expect(toKinesisVideoError('GetMedia', missing)).toMatchObject({ kind: 'final', code: 'PeerMissing' });
});
