import { runFuzzCommand } from './command.js';
import { TARGETS } from './targets/index.js';

process.exitCode = await runFuzzCommand({ script: 'fuzz', targets: TARGETS, folder: 'fuzz' });
