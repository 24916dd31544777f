import type { Pattern } from '../pattern.js';
import { BLOCKS } from './blocks.js';
import { ELEMENTS } from './elements.js';
import { MEDIA } from './media.js';
import { TAGS_AND_TRACKS } from './tags-and-tracks.js';

/** All that the probe makes longer. */
export const PATTERNS: readonly Pattern[] = [...ELEMENTS, ...TAGS_AND_TRACKS, ...BLOCKS, ...MEDIA];
