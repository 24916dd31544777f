/** What an instrumented source file counts, as istanbul lays it out: statements, functions, branches. */
interface FileCounters {
  s: ArrayLike<number>;
  f: ArrayLike<number>;
  b: ArrayLike<ArrayLike<number>>;
}

declare global {
  var __fuzzCounters__: Record<string, FileCounters> | undefined;
}

let prepared = false;
let statements = new Uint32Array(0);
/** Of functions and branches. */
let edges = new Uint32Array(0);

/** Whether the library was built with counters; without them there is no coverage and no counting of steps. */
export function isInstrumented(): boolean {
  return globalThis.__fuzzCounters__ !== undefined;
}

/** Lets all files count in two arrays, which are quick to read: the instrumented code looks its counters up each time. */
function prepare(): void {
  prepared = true;
  const files = Object.values(globalThis.__fuzzCounters__ ?? {});
  const lengthOf = (counters: ArrayLike<unknown>) => Object.keys(counters).length;
  const branches = files.map(({ b }) => Array.from({ length: lengthOf(b) }, (_, i) => b[i]?.length ?? 0));
  statements = new Uint32Array(files.reduce((sum, { s }) => sum + lengthOf(s), 0));
  edges = new Uint32Array(
    files.reduce((sum, { f }) => sum + lengthOf(f), 0) + branches.flat().reduce((sum, paths) => sum + paths, 0),
  );
  const part = (of: Uint32Array) => {
    let end = 0;
    return (length: number) => {
      end += length;
      return of.subarray(end - length, end);
    };
  };
  const takeStatements = part(statements);
  const takeEdges = part(edges);
  for (const [i, file] of files.entries()) {
    file.s = takeStatements(lengthOf(file.s));
    file.f = takeEdges(lengthOf(file.f));
    file.b = (branches[i] ?? []).map(takeEdges);
  }
}

/** Sets all counters to 0. */
export function resetCounters(): void {
  if (!prepared) prepare();
  statements.fill(0);
  edges.fill(0);
}

/** How many statements ran since {@link resetCounters}. */
export function countSteps(): number {
  let steps = 0;
  for (let i = 0; i < statements.length; i++) steps += statements[i]!;
  return steps;
}

/** Which functions and branches ran since {@link resetCounters}, and roughly how often: a number for each. */
export function coveredEdges(): number[] {
  const covered: number[] = [];
  for (let i = 0; i < edges.length; i++) if (edges[i]! > 0) covered.push(i * 8 + bucket(edges[i]!));
  return covered;
}

/** 1, 2, 3, 4-7, 8-15, 16-31, 32-127, 128 and more. */
function bucket(count: number): number {
  if (count <= 3) return count - 1;
  if (count < 8) return 3;
  if (count < 16) return 4;
  if (count < 32) return 5;
  return count < 128 ? 6 : 7;
}
