import type { MergeProof } from '../domain/merge-proof.ts';
import { formatFigure } from '../metrics/format-figure.ts';

/** What the proof of a merge showed, in one sentence; empty when nothing was merged. */
export function describeMergeProof(proof: MergeProof | null): string[] {
  if (proof === null) return [];
  if (proof.unproven !== null)
    return [`The merge was not held against its run-time form: ${proof.unproven}.`];
  const { positions, kldMean, kldMax, top1 } = proof;
  return [
    `The merged model was held against its base with the adapters at run time at ${positions} positions: the same first token at ${formatFigure(top1, 'share')}, KL divergence ${formatFigure(kldMean, 'nats')} on average and ${formatFigure(kldMax, 'nats')} at most.`,
  ];
}
