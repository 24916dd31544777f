import { readDocumentParts } from '../fragments/read-documents.js';
import { command, FORCE_OPTION, READ_OPTIONS, readerOptions } from './command.js';
import { type DocumentFile, DocumentFolder } from './document-folder.js';
import { openInput } from './input.js';
import { Progress } from './progress.js';
import { ServiceErrors } from './service-errors.js';
import { ClosedOutputError, LineOutput, tell } from './terminal.js';
import { count, printable } from './text.js';

/** `kvs split`: each fragment's document as a file. */
export const split = command({
  summary: 'write the document of each fragment to its own file, byte for byte',
  details:
    'The files are named 000001.mkv, 000002.mkv and so on, in stream order. An incomplete document is named, for example, ' +
    '000003.truncated.mkv.',
  arguments: { FILE: 'a Matroska file, - for standard input, or a URL', DIR: 'the directory to write to' },
  options: { ...READ_OPTIONS, ...FORCE_OPTION },
  examples: [
    ['split recording.mkv fragments', 'write each fragment of a saved GetMedia response to a file'],
    ['split recording.mkv fragments --json', 'also print one JSON object per file'],
  ],
  async run({ values, positionals }) {
    const [file = '-', directory = '.'] = positionals;
    const describe = values.json === true ? jsonLine : textLine;
    const output = new LineOutput();
    let files = 0;
    let isHeard = true;
    const onFile = async (made: DocumentFile) => {
      files++;
      if (made.document.truncated) tell(`${file}: ${made.path} is incomplete: bytes are missing`);
      // The files are to be all there also when the lines have no reader.
      if (isHeard) isHeard = await heard(output.line(describe(made)));
    };
    const input = openInput(file);
    const folder = await DocumentFolder.open(directory, { input: file, force: values.force, onFile });
    const errors = new ServiceErrors(file);
    const progress = await Progress.through(file);
    try {
      const bytes = progress.watch(errors.watch(input));
      for await (const part of readDocumentParts(bytes, readerOptions(file, values))) await folder.write(part);
      if (files === 0) throw input.foundNothing('it contains no document');
    } catch (error) {
      await folder.abandon();
      throw input.explain(error);
    } finally {
      progress.end();
      if (isHeard) await heard(output.flush());
    }
    errors.expectNone(values.recover);
  },
});

/** Whether what was written has a reader. */
async function heard(written: Promise<void> | undefined): Promise<boolean> {
  try {
    await written;
    return true;
  } catch (error) {
    if (error instanceof ClosedOutputError) return false;
    throw error;
  }
}

function jsonLine({ path, document }: DocumentFile): string {
  const { offset, length, truncated, metadata } = document;
  return JSON.stringify({
    file: path,
    offset,
    bytes: length,
    truncated,
    fragmentNumber: metadata?.fragmentNumber ?? null,
  });
}

function textLine({ path, document }: DocumentFile): string {
  const { length, truncated, metadata } = document;
  const number = metadata?.fragmentNumber === undefined ? '' : `, fragment ${printable(metadata.fragmentNumber)}`;
  return `${printable(path)}: ${count(length, 'byte')}${number}${truncated ? ', incomplete: bytes are missing' : ''}`;
}
