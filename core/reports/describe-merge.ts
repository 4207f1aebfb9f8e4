import type { MergeProof } from '../domain/merge-proof.ts';
import type { MergeReport, TokenizerDifference } from '../domain/merge-report.ts';
import type { Report } from '../domain/report.ts';
import { formatFigure } from '../metrics/format-figure.ts';

/** What merging did to the tokenizer, what there was to warn about, and what its proof showed; empty without a merge. */
export function describeMerge({ merge, mergeProof }: Pick<Report, 'merge' | 'mergeProof'>): string[] {
  return [...describeChanges(merge), ...describeMergeProof(mergeProof)];
}

function describeChanges(merge: MergeReport | null): string[] {
  if (merge === null) return [];
  const { tokenizerDifference, vocabulary, warnings } = merge;
  const averaged = vocabulary?.averaged ?? 0;
  const difference = tokenizerDifference === null ? '' : describeDifference(tokenizerDifference);
  return [
    ...(difference === '' ? [] : [`The tokenizer is the adapter's: ${difference}.`]),
    ...(averaged === 0
      ? []
      : [`${averaged} embedding rows are the mean of the others, because no adapter brought them.`]),
    ...warnings.map((warning) => `Warning of the merge: ${warning}.`),
  ];
}

/** What the proof of a merge showed, in one sentence; empty when nothing was merged. */
function describeMergeProof(proof: MergeProof | null): string[] {
  if (proof === null) return [];
  if (proof.unproven !== null)
    return [`The merge was not held against its run-time form: ${proof.unproven}.`];
  const { positions, kldMean, kldMax, top1 } = proof;
  return [
    `The merged model was held against its base with the adapters at run time at ${positions} positions: the same first token at ${formatFigure(top1, 'share')}, KL divergence ${formatFigure(kldMean, 'nats')} on average and ${formatFigure(kldMax, 'nats')} at most.`,
  ];
}

/** One line for people; empty when nothing differs. */
export function describeDifference(difference: TokenizerDifference): string {
  const { added, removed, changed, firstAdded, specialTokens, chatTemplate } = difference;
  const parts = [
    added > 0 && `${added} tokens added (${firstAdded.slice(0, 5).join(', ')}${added > 5 ? ', …' : ''})`,
    removed > 0 && `${removed} removed`,
    changed > 0 && `${changed} changed`,
    ...specialTokens.map(({ role, from, to }) => `${role} ${from ?? 'none'} → ${to ?? 'none'}`),
    chatTemplate !== 'same' && `chat template ${chatTemplate}`,
  ];
  return parts.filter((part) => part !== false).join(', ');
}
