#!/usr/bin/env node
import { interruptedExitCode } from './interrupt.js';
import { runCli } from './run.js';

process.exitCode = await runCli(process.argv.slice(2));
// What a command waited for when it was told to stop would hold the process.
if (interruptedExitCode() !== undefined) process.exit();
