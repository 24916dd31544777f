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
  summary: 'write the document of each fragment to a file of its own, byte for byte',
  details:
    'The files are 000001.mkv, 000002.mkv and so on, in the order of the stream. One of which bytes are missing is called ' +
    '000003.truncated.mkv.',
  arguments: { FILE: 'a Matroska file, - for standard input, or a URL', DIR: 'the folder to write to' },
  options: { ...READ_OPTIONS, ...FORCE_OPTION },
  examples: [
    ['split recording.mkv fragments', 'the fragments of a GetMedia body as files'],
    ['split recording.mkv fragments --json', 'the same, with a JSON object for each file'],
  ],
  async run({ values, positionals }) {
    const [file = '-', directory = '.'] = positionals;
    const describe = values.json === true ? jsonLine : textLine;
    const output = new LineOutput();
    let files = 0;
    let isHeard = true;
    const onFile = async (made: DocumentFile) => {
      files++;
      if (made.document.truncated) tell(`${file}: ${made.path} is not whole: bytes are missing`);
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
      if (files === 0) throw input.foundNothing('there is no document in it');
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
  return `${printable(path)}: ${count(length, 'byte')}${number}${truncated ? ', not whole: bytes are missing' : ''}`;
}
