import type { FuzzTarget } from '../target.js';
import { codec } from './codec.js';
import { frames } from './frames.js';
import { lacing } from './lacing.js';
import { merge } from './merge.js';
import { mp4 } from './mp4.js';
import { reader } from './reader.js';
import { recovery } from './recovery.js';

/** All that can be fuzzed. */
export const TARGETS: readonly FuzzTarget[] = [reader, recovery, lacing, frames, merge, mp4, codec];
