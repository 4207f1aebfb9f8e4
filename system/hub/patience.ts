import { setTimeout as sleep } from 'node:timers/promises';
import type { BuildFailure } from '../../core/domain/failures.ts';

/** How long the client waits for a hub, and how often it tries. Times in ms. */
export interface Patience {
  /** Attempts in a row that bring no new bytes before the failure is thrown. */
  readonly attempts: number;
  /** Wait before the second attempt; doubles with each further one, up to `longestWaitMs`. */
  readonly backoffMs: number;
  /** No wait is longer; a hub that asks for more (`Retry-After`) fails the call at once. */
  readonly longestWaitMs: number;
  /** From sending a request to the answer's head. */
  readonly answerMs: number;
  /** A stream that brings less than 1 KiB in this time is cut and resumed. */
  readonly stallMs: number;
}

export const defaultPatience: Patience = {
  attempts: 5,
  backoffMs: 1_000,
  // The hub's rate limit works in windows of five minutes.
  longestWaitMs: 300_000,
  answerMs: 30_000,
  stallMs: 30_000,
};

/** Something that may pass. Carries the failure to throw should it not. Never leaves system/hub. */
export class PassingTrouble extends Error {
  readonly failure: BuildFailure;
  readonly waitMs: number;

  constructor(failure: BuildFailure, waitMs = 0) {
    super(failure.message);
    this.failure = failure;
    this.waitMs = waitMs;
  }
}

export interface Retrying {
  readonly patience: Patience;
  readonly signal: AbortSignal;
  /** Bytes gained so far over all attempts. An attempt that gains enough gives the next ones new credit. */
  readonly gained?: () => number;
}

/** Below this an attempt counts as fruitless: a hub that gives one byte each time must not be asked for ever. */
const fruitfulBytes = 1 << 20;

export async function withRetries<T>(attempt: () => Promise<T>, retrying: Retrying): Promise<T> {
  const { patience, signal, gained = () => 0 } = retrying;
  let fruitless = 0;
  let before = gained();
  for (;;) {
    try {
      signal.throwIfAborted();
      return await attempt();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof PassingTrouble)) throw error;
      fruitless = gained() - before >= fruitfulBytes ? 1 : fruitless + 1;
      before = gained();
      if (fruitless >= patience.attempts || error.waitMs > patience.longestWaitMs) throw error.failure;
      await pause(Math.max(error.waitMs, backoff(patience, fruitless)), signal);
    }
  }
}

/** Half of it random, so that workers cut off together do not come back together. */
function backoff({ backoffMs, longestWaitMs }: Patience, failures: number): number {
  const full = Math.min(backoffMs * 2 ** (failures - 1), longestWaitMs);
  return full * (0.5 + Math.random() / 2);
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => signal.throwIfAborted());
}
