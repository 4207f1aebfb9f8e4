/** How a long effect reports: a fraction of the whole, 0…1, and a short note in words. */
export interface Progress {
  readonly fraction: number;
  readonly note?: string;
}

/** What every long effect is given: when to stop, and where to report. */
export interface EffectScope {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}
