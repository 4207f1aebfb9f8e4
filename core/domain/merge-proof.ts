/** Logits of a merged model against its base with the adapters at run time, over all positions of a few texts. */
export type MergeProof = {
  /** Why there is nothing to compare with: some changes have no run-time form. The figures are then 0. */
  readonly unproven: string | null;
  readonly positions: number;
  /** KL divergence of the merged model, nats. */
  readonly kldMean: number;
  readonly kldMax: number;
  /** Share of positions where both put the same token first. */
  readonly top1: number;
};
