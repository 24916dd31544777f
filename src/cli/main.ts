#!/usr/bin/env node
import { endInterrupted } from './interrupt.js';
import { runCli } from './run.js';

process.exitCode = await runCli(process.argv.slice(2));
endInterrupted();
