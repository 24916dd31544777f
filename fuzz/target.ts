import type { Choices, Input } from './input.js';

/** Something to fuzz. */
export interface FuzzTarget {
  /** Its name on the command line. */
  readonly name: string;
  /** Inputs to begin with. */
  seeds(): readonly Uint8Array[];
  /** Whether inputs are Matroska, so that they are changed element by element too. */
  readonly ebml: boolean;
  /** Longer inputs are cut; default 16 KiB. */
  readonly maxLength?: number;
  /** Changes inputs in place of the fuzzer's own changes of bytes and elements. */
  mutate?(bytes: Uint8Array, c: Choices, other: Uint8Array): Uint8Array;
  /** How many bytes a run may allocate besides what is bound to the input's length; default none. */
  readonly filling?: number;
  /**
   * Runs the library on an input. Everything that it throws is a finding.
   *
   * @param features what happened, as words: inputs that make new ones happen are kept
   */
  run(input: Input, features: Set<string>): void | Promise<void>;
}
