// Bundle sizes: esbuild for browsers, minified, gzip -9. `--parts` tells what they are made of; `--json` prints all as JSON.
//
// The peers are bundled to the same end, reading Matroska from a stream; what they take from Node's modules (streams, events,
// buffers) is left out, though a browser needs a polyfill of it.
import { builtinModules } from 'node:module';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const SUBJECTS = [
  { name: 'reader', goal: 8000, code: `export { Mkv, readElements, StreamingMkvReader } from './src/index.ts'` },
  { name: 'frames', goal: 16000, code: `export { readFragments, readFrames } from './src/index.ts'` },
  { name: 'core', goal: 16000, code: `export * from './src/index.ts'` },
  { name: 'mp4, without mp4box', code: `export * from './src/mp4/index.ts'`, external: ['mp4box'] },
  { name: 'mp4', code: `export * from './src/mp4/index.ts'` },
  { name: 'client', code: `export * from './src/client/index.ts'`, external: ['@aws-sdk/*'] },
  { name: 'decode', code: `export * from './src/decode/index.ts'` },
  { name: 'hls, without mp4box', code: `export * from './src/hls/index.ts'`, external: ['mp4box'] },
  { name: 'ebml', code: `export { Decoder } from 'ebml'` },
  { name: 'ebml-stream', code: `export { EbmlStreamDecoder } from 'ebml-stream'` },
  {
    name: 'mediabunny, Matroska only',
    code: `export { EncodedPacketSink, Input, MATROSKA, ReadableStreamSource } from 'mediabunny'`,
  },
  { name: 'ts-ebml', code: `export { Decoder } from 'ts-ebml'` },
];

async function measure({ name, goal, code, external = [] }) {
  const { outputFiles, metafile } = await build({
    stdin: { contents: code, resolveDir: fileURLToPath(new URL('..', import.meta.url)), loader: 'ts' },
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    external: [...builtinModules, 'node:*', ...external],
    logLevel: 'silent',
  });
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports.map(({ path }) => path));
  const { contents } = outputFiles[0];
  const parts = goal === undefined ? undefined : partsOf(Object.values(metafile.outputs)[0].inputs);
  return { name, goal, minified: contents.length, gzip: gzipSync(contents, { level: 9 }).length, imports, parts };
}

/** How many minified bytes each room has in a bundle, the element table apart. */
function partsOf(inputs) {
  const parts = {};
  for (const [file, { bytesInOutput }] of Object.entries(inputs)) {
    const part = file === 'src/mkv/schema.ts' ? 'the element table' : file.split('/').slice(1, -1).join('/');
    if (part !== '') parts[part] = (parts[part] ?? 0) + bytesInOutput;
  }
  return parts;
}

const sizes = [];
for (const subject of SUBJECTS) sizes.push(await measure(subject));

if (process.argv.includes('--json')) {
  console.log(JSON.stringify(sizes));
} else {
  console.log(`${'bundle'.padEnd(28)}${'minified'.padStart(10)}${'gzip'.padStart(10)}  remarks`);
  for (const { name, goal, minified, gzip, imports, parts } of sizes) {
    const remarks = imports.length === 0 ? [] : [`without ${[...new Set(imports)].join(', ')}`];
    if (goal !== undefined) remarks.push(`${gzip < goal ? 'below' : 'above'} its goal of ${goal / 1000} kB`);
    const [all, packed] = [minified, gzip].map((bytes) => `${(bytes / 1000).toFixed(1)} kB`.padStart(10));
    console.log(`${name.padEnd(28)}${all}${packed}  ${remarks.join('; ')}`.trimEnd());
    for (const [part, bytes] of process.argv.includes('--parts') ? Object.entries(parts ?? {}) : []) {
      console.log(`  ${part.padEnd(26)}${`${(bytes / 1000).toFixed(1)} kB`.padStart(10)}`);
    }
  }
}
