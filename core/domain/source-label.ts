import type { SourcePlan } from './plan.ts';

/** A source in the words of the recipe, e.g. `sample/sample-llama@main`. */
export function sourceLabel(source: SourcePlan): string {
  return source.kind === 'hub' ? `${source.repository}@${source.revision}` : source.path;
}

/** The same without the revision: what others call it. */
export function sourceName(source: SourcePlan): string {
  return source.kind === 'hub' ? source.repository : source.path;
}
