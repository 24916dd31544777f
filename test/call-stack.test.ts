import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ESTree, parseSync, Visitor } from 'vite';
import { describe, expect, it } from 'vitest';

const SOURCES = resolve(dirname(fileURLToPath(import.meta.url)), '..', 'src');

/** Calls whose arguments are few whatever the input holds. */
const FEW = new Map([
  ['cli/input.ts', ['head.push(...chunk.subarray(0, FOREIGN_HEAD_SIZE - head.length))']],
  ['ebml/text.ts', ['String.fromCharCode(...codes)']],
  ['mkv/codec/nal-config.ts', ['String.fromCharCode(...bytes.subarray(at, at + CHARACTERS))']],
  ['mkv/foreign.ts', ['String.fromCharCode(...head.subarray(from, to))']],
  ['mkv/pull.ts', ['head.push(...chunk.subarray(0, FOREIGN_HEAD_SIZE - head.length))']],
  ['mp4/track-setup.ts', ['isNear(...said)']],
]);

/** Calls that put the elements of an array, or an array as a whole, in place of their arguments. */
function spreadingCalls(file: string, text: string): string[] {
  const { program, errors } = parseSync(file, text);
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`);
  const found: string[] = [];
  const check = (call: ESTree.CallExpression | ESTree.NewExpression) => {
    const { callee } = call;
    const applies =
      callee.type === 'MemberExpression' && callee.property.type === 'Identifier' && callee.property.name === 'apply';
    if (applies || call.arguments.some(({ type }) => type === 'SpreadElement')) {
      found.push(text.slice(call.start, call.end));
    }
  };
  new Visitor({ CallExpression: check, NewExpression: check }).visit(program);
  return found;
}

describe('the call stack', () => {
  it('is not filled by arrays that are spread into arguments', () => {
    const found: Record<string, string[]> = {};
    const files = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).filter((name) => /\.tsx?$/.test(name));
    for (const name of files) {
      const file = name.split('\\').join(posix.sep);
      const few = FEW.get(file) ?? [];
      const calls = spreadingCalls(file, readFileSync(join(SOURCES, name), 'utf8'));
      const others = calls.filter((call) => !few.includes(call));
      if (others.length > 0) found[file] = others;
    }
    expect(files.length).toBeGreaterThan(100);
    // An engine takes some 100,000 arguments, and input may have any number of elements: push them one by one, or reduce.
    expect(found).toEqual({});
  });

  it('is seen to be filled in all the ways that there are', () => {
    const text = `all.push(...more); new Set(...more); Math.max(...more.map((one) => one)); f.apply(undefined, more);
      if (more.length > 0) all.splice(0, 0, ...more); const [first, ...rest] = [...more]; f({ ...first }, rest);`;
    expect(spreadingCalls('a.ts', text)).toHaveLength(5);
  });
});
