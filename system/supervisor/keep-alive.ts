import { setTimeout as sleep } from 'node:timers/promises';

/** Anything that runs until it ends by itself or is stopped. */
export interface Living {
  /** Settles when it ended, with the reason in words. */
  readonly ended: Promise<string>;
  stop(): Promise<void>;
}

export interface KeptAlive<L extends Living> {
  /** The present incarnation. */
  current(): L;
  stop(): Promise<void>;
}

export interface KeepAliveOptions<L extends Living> {
  readonly start: () => Promise<L>;
  readonly onRestart: (reason: string) => void;
}

const firstDelayMs = 200;
const longestDelayMs = 10_000;
/** What lived this long had started well: the next delay begins small again. */
const settledMs = 30_000;

/** Starts something and starts it again whenever it ends unasked, with growing delays while it keeps failing. */
export async function keepAlive<L extends Living>({
  start,
  onRestart,
}: KeepAliveOptions<L>): Promise<KeptAlive<L>> {
  const stopping = new AbortController();
  let living = await start();
  let startedAt = Date.now();
  const loop = (async (): Promise<void> => {
    let delayMs = firstDelayMs;
    while (!stopping.signal.aborted) {
      const reason = await living.ended;
      if (stopping.signal.aborted) return;
      delayMs = Date.now() - startedAt > settledMs ? firstDelayMs : delayMs;
      onRestart(reason);
      living = await restart(start, stopping.signal, delayMs);
      startedAt = Date.now();
      delayMs = Math.min(longestDelayMs, delayMs * 2);
    }
  })().catch((error: unknown) => {
    if (!stopping.signal.aborted) throw error;
  });
  return {
    current: () => living,
    async stop() {
      stopping.abort();
      await living.stop();
      await loop;
    },
  };
}

async function restart<L extends Living>(
  start: () => Promise<L>,
  signal: AbortSignal,
  firstMs: number,
): Promise<L> {
  for (let delayMs = firstMs; ; delayMs = Math.min(longestDelayMs, delayMs * 2)) {
    await sleep(delayMs, undefined, { signal });
    try {
      const living = await start();
      if (!signal.aborted) return living;
      await living.stop();
      signal.throwIfAborted();
    } catch (error) {
      if (signal.aborted) throw error;
    }
  }
}
