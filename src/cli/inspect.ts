import type { MkvDataElement, MkvElement } from '../mkv/element.js';
import { blockText, exactValue } from '../mkv/element-text.js';
import type { ElementVisitor } from '../mkv/element-visitor.js';
import { Mkv } from '../mkv/elements.js';
import { MkvParseError } from '../mkv/parse-error.js';
import { applyVisitor } from '../mkv/streams.js';
import { command, READ_OPTIONS, readerOptions } from './command.js';
import { SERVICE_OPTIONS } from './service.js';
import { openSource, SOURCE_ARGUMENTS } from './source.js';
import { LineOutput, tell } from './terminal.js';
import { printable } from './text.js';

const OPTIONS = { ...READ_OPTIONS, ...SERVICE_OPTIONS } as const;

/** `kvs inspect`: every element of a Matroska stream, with its place and size. */
export const inspect = command({
  summary: 'print every element of a Matroska stream: name, ID, offset, sizes, value',
  arguments: SOURCE_ARGUMENTS,
  options: OPTIONS,
  examples: [
    ['inspect camera.mkv', 'the elements as a tree, as mkvinfo prints them'],
    ['inspect camera.mkv --json', 'one JSON object per element'],
    ['inspect --stream door --live --duration 10', 'what the service sends in ten seconds'],
  ],
  async run({ values, positionals }) {
    const { name, input, progress } = await openSource(positionals, values);
    const describe = values.json === true ? jsonLine : textLine;
    const output = new LineOutput();
    let found = false;
    try {
      const show = (element: MkvElement) => {
        found = true;
        const line = describe(element);
        return line === undefined ? undefined : output.line(line);
      };
      let length = 0;
      const visitor: ElementVisitor = {
        visitStart: show,
        visitEnd: show,
        visitData: show,
        visitStreamEnd: (truncated) => {
          // With recovery, this has been told as a gap.
          if (truncated && values.recover !== true)
            tell(`${name}: warning: byte ${length}: the stream ends here, inside an element`);
        },
      };
      const bytes = counted(progress.watch(input), (size) => {
        length += size;
      });
      await applyVisitor(bytes, visitor, readerOptions(name, values));
    } finally {
      progress.end();
      await output.flush();
    }
    if (!found) throw input.foundNothing('it contains no element');
  },
});

async function* counted(bytes: AsyncIterable<Uint8Array>, count: (size: number) => void): AsyncGenerator<Uint8Array> {
  for await (const chunk of bytes) {
    count(chunk.length);
    yield chunk;
  }
}

function jsonLine(element: MkvElement): string {
  const { kind, type, offset, headerSize, dataSize } = element;
  const value = element.kind === 'data' && type.type !== 'binary' ? exactValue(element) : undefined;
  return JSON.stringify({
    kind,
    id: hexId(type.id),
    name: type.name ?? null,
    level: element.path.length,
    offset,
    headerSize,
    dataSize: dataSize ?? null,
    value,
  });
}

function textLine(element: MkvElement): string | undefined {
  if (element.kind === 'end') {
    return element.truncated ? `${indent(element)}+ end of ${element.type.name}: bytes are missing` : undefined;
  }
  const { type, offset, headerSize, dataSize } = element;
  const name = type.name ?? `unknown element ${hexId(type.id)}`;
  const size = dataSize === undefined ? 'size unknown' : `size ${dataSize}`;
  const value = element.kind === 'data' ? textValue(element) : '';
  return `${indent(element)}+ ${name}${value} at ${offset} header ${headerSize} ${size}`;
}

function indent(element: MkvElement): string {
  const level = element.path.length;
  return level === 0 ? '' : `|${' '.repeat(level - 1)}`;
}

function textValue(element: MkvDataElement): string {
  try {
    if (element.is(Mkv.SimpleBlock) || element.is(Mkv.Block)) return `: ${blockText(element.value)}`;
    if (element.type.type === 'binary') return '';
    if (element.type.type === 'date') return `: ${element.dateValue.toISOString()}`;
    const value = exactValue(element);
    return `: ${typeof value === 'string' ? printable(value) : value}`;
  } catch (error) {
    if (error instanceof MkvParseError || error instanceof RangeError) return `: invalid: ${error.message}`;
    throw error;
  }
}

function hexId(id: number): string {
  return `0x${id.toString(16)}`;
}
