import type { Job, Queue } from 'bullmq';
import type { FragmentResult } from './part.js';

/** The progress of a stored range. */
export interface RangeProgress {
  /** How many fragments the stretch has. */
  readonly fragments: number;
  /** How many parts it was split into. */
  readonly parts: number;
  /** Parts that are done. */
  readonly completed: number;
  /** Parts that have failed as often as they are tried. */
  readonly failed: number;
}

/** What a {@link RangeRun} is made of. */
export interface RangeRunSetup {
  readonly id: string;
  readonly partIds: readonly string[];
  readonly fragments: number;
  readonly parts: Queue;
  readonly ranges: Queue;
}

/** How often it is looked whether a stretch is done, in milliseconds. */
const POLL_MS = 250;

/** A stored range that is being processed. */
export class RangeRun {
  readonly #setup: RangeRunSetup;

  /** @internal */
  constructor(setup: RangeRunSetup) {
    this.#setup = setup;
  }

  /** The id of its job. */
  get id(): string {
    return this.#setup.id;
  }

  /** How far it is. */
  async progress(): Promise<RangeProgress> {
    const { partIds, fragments } = this.#setup;
    let completed = 0;
    let failed = 0;
    for (const state of await Promise.all(partIds.map((id) => this.#setup.parts.getJobState(id)))) {
      if (state === 'completed') completed++;
      if (state === 'failed') failed++;
    }
    return { fragments, parts: partIds.length, completed, failed };
  }

  /**
   * Waits until all parts are done, and gives the results of all fragments, in their order.
   *
   * @throws Error when a part has failed as often as it is tried; the others continue, and `retryFailed` tries it again
   */
  async results(signal?: AbortSignal): Promise<FragmentResult[]> {
    for (;;) {
      signal?.throwIfAborted();
      const { parts, completed, failed } = await this.progress();
      if (completed === parts) break;
      if (completed + failed === parts) throw new Error(await this.#failure());
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    const jobs = await Promise.all(this.#setup.partIds.map((id) => this.#job(id)));
    return jobs.flatMap((job): FragmentResult[] => job?.returnvalue ?? []);
  }

  /** Has the parts tried again that have failed. */
  async retryFailed(): Promise<void> {
    for (const id of this.#setup.partIds) {
      const job = await this.#job(id);
      if (job !== undefined && (await job.isFailed())) await job.retry();
    }
  }

  async #failure(): Promise<string> {
    for (const id of this.#setup.partIds) {
      const job = await this.#job(id);
      if (job !== undefined && (await job.isFailed())) return `${job.name} has failed: ${job.failedReason}`;
    }
    return 'a part has failed';
  }

  async #job(id: string): Promise<Job | undefined> {
    return await this.#setup.parts.getJob(id);
  }
}
