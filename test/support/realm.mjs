// Reads a document from standard input with the built core in a realm whose stream classes are gone, and prints what it found.
for (const name of Object.getOwnPropertyNames(globalThis)) {
  if (/Stream|Strategy/.test(name)) Reflect.deleteProperty(globalThis, name);
}
const left = ['ReadableStream', 'WritableStream', 'TransformStream'].filter((name) => name in globalThis);

const { StreamingMkvReader, readElements, applyVisitor, MkvElementStream } = await import('../../dist/index.js');
const polyfill = await import('web-streams-polyfill');

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const bytes = new Uint8Array(Buffer.concat(chunks));
const halves = [bytes.subarray(0, 100), bytes.subarray(100)];

let pushed = 0;
const reader = new StreamingMkvReader();
reader.push(bytes);
reader.end();
while (reader.nextIfAvailable() !== undefined) pushed++;

let read = 0;
for await (const _ of readElements(halves)) read++;

let shown = 0;
const count = () => {
  shown++;
};
await applyVisitor(halves, { visitStart: count, visitEnd: count, visitData: count });

let refused = '';
try {
  new MkvElementStream();
} catch (error) {
  refused = `${error.name}: ${error.message}`;
}

let piped = 0;
const elements = polyfill.ReadableStream.from(halves).pipeThrough(new MkvElementStream(polyfill));
for await (const _ of elements) piped++;

process.stdout.write(JSON.stringify({ left, pushed, read, shown, piped, refused }));
