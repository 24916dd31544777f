import { runFuzzCommand } from '../command.js';
import { judgements } from './judges.js';
import { FILE_TARGETS } from './targets.js';

process.exitCode = await runFuzzCommand({ script: 'fuzz:files', targets: FILE_TARGETS, folder: 'fuzz-files' });
console.log(`${judgements()} times ffprobe or mkvinfo looked at a file`);
