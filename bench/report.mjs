// The results as text.
import { decodingLines } from './decode.mjs';
import { SUBJECTS } from './subjects.mjs';
import { WORKLOADS } from './workloads.mjs';

/** Ratios of throughput that are shown where both subjects were measured. */
const RATIOS = [
  ['least', 'memcpy'],
  ['least', 'mediabunny'],
  ['reader', 'memcpy'],
  ['reader', 'least'],
  ['reader, recover', 'reader'],
  ['reader', 'mediabunny'],
  ['reader', 'ebml-stream'],
  ['reader, FrameVisitor', 'memcpy'],
  ['reader, FrameVisitor', 'least'],
  ['reader, FrameVisitor', 'mediabunny'],
  ['reader, FrameVisitor', 'ebml-stream'],
  ['reader, FrameVisitor, parts', 'memcpy'],
  ['reader, FrameVisitor, parts', 'mediabunny'],
  ['readElements', 'mediabunny'],
  ['readFrames', 'least'],
  ['readFrames', 'mediabunny'],
  ['readFrames, parts', 'mediabunny'],
  ['merger', 'reader'],
  ['merger, chunks', 'reader'],
  ['segmentMergerStream', 'readElements'],
  ['remux, fragmented', 'mediabunny, fragmented'],
  ['remux, progressive', 'mediabunny, progressive'],
];

export function printReport({ machine, results, decoding, figures, sizes }) {
  console.log(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node}\n`);
  for (const { name, what, make } of WORKLOADS) if (make !== undefined) console.log(`${name.padEnd(19)}${what}`);
  console.log();
  for (const { name, what } of SUBJECTS) console.log(`${name.padEnd(30)}${what}`);
  for (const { workload, chunks, rows, disagreement } of results) {
    console.log(`\n${`${workload}, ${chunks}`.padEnd(30)}  MB/s     spread  MB/CPU-s   things/s   frames/s   memory`);
    for (const row of rows) console.log(line(row));
    if (disagreement !== undefined) console.log(`  THE SUBJECTS DO NOT AGREE: ${disagreement}`);
    const ratios = RATIOS.flatMap(([a, b]) => {
      const [one, other] = [a, b].map((name) => rows.find(({ subject }) => subject === name));
      if (one?.bytesPerSecond === undefined || other?.bytesPerSecond === undefined) return [];
      const byCpu = short(one.bytesPerCpuSecond / other.bytesPerCpuSecond);
      return `${a} : ${b} = ${short(one.bytesPerSecond / other.bytesPerSecond)} by the clock, ${byCpu} by CPU time`;
    });
    for (const ratio of ratios) console.log(`  ${ratio}`);
  }
  if (decoding?.missing !== undefined) console.log(`\ndecoding is not measured: ${decoding.missing}`);
  else if (decoding !== undefined) console.log(`\n${decodingLines(decoding).join('\n')}`);
  console.log('\nbytes copied for each byte read            of elements that span chunks');
  for (const { workload, chunks, copied, spanning } of figures.copies) {
    console.log(`  ${`${workload}, ${chunks}`.padEnd(30)}${copied.toFixed(4)}     ${spanning.toFixed(4)}`);
  }
  console.log(`\nmemory kept by an idle reader: ${Math.round(figures.idle.bytesPerReader)} bytes`);
  console.log('\nminified and gzipped');
  for (const { name, gzip } of sizes) console.log(`  ${name.padEnd(28)}${(gzip / 1000).toFixed(1)} kB`);
}

function line({
  subject,
  tooSlow,
  bytesPerSecond,
  spread,
  bytesPerCpuSecond,
  thingsPerSecond,
  framesPerSecond,
  peakGrowth,
}) {
  if (tooSlow !== undefined) return `  ${subject.padEnd(28)} took more than ${tooSlow} s`;
  const cells = [
    short(bytesPerSecond / 1e6).padStart(10),
    `${(spread * 100).toFixed(0)} %`.padStart(9),
    short(bytesPerCpuSecond / 1e6).padStart(10),
    (thingsPerSecond === undefined ? '' : short(thingsPerSecond)).padStart(11),
    (framesPerSecond === undefined ? '' : short(framesPerSecond)).padStart(11),
    `${(peakGrowth / 2 ** 20).toFixed(0)} MiB`.padStart(9),
  ];
  return `  ${subject.padEnd(28)}${cells.join('')}`;
}

/** Three figures that count. */
function short(value) {
  if (value >= 1e6) return `${(value / 1e6).toPrecision(3)}M`;
  if (value >= 1e4) return `${Math.round(value / 1e3)}k`;
  return value >= 100 ? String(Math.round(value)) : value.toPrecision(value >= 10 ? 3 : 2);
}
