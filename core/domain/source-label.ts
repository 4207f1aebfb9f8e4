import type { SourcePlan } from './plan.ts';

/** A source in the words of the recipe, e.g. `sample/sample-llama@main`. */
export function sourceLabel(source: SourcePlan): string {
  return source.kind === 'hub' ? `${source.repository}@${source.revision}` : source.path;
}

/** What others call a source: its repository, or its folder's name without the path, which is of one machine only. */
export function sourceName(source: SourcePlan): string {
  return source.kind === 'hub'
    ? source.repository
    : (source.path.split(/[/\\]/).findLast((part) => part !== '') ?? '');
}
