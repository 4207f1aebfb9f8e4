interface Crew {
  readonly parallel: number;
  /** Aborted at the first failure, so that nobody works on for a result that nobody wants. */
  readonly stop: AbortController;
  readonly signal: AbortSignal;
}

/** Runs the work over all items, some at a time. Returns or throws only when nothing runs any more; first cause wins. */
export async function eachOf<T>(
  items: readonly T[],
  { parallel, stop, signal }: Crew,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items.values();
  const failures: unknown[] = [];
  const lane = async (): Promise<void> => {
    for (const item of queue) {
      if (signal.aborted) return;
      try {
        await work(item);
      } catch (error) {
        failures.push(error);
        stop.abort(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, parallel) }, lane));
  if (failures.length > 0) throw failures[0];
  signal.throwIfAborted();
}
