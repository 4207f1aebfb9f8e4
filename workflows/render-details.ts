import type { RunState, StepState } from '../core/domain/run-state.ts';
import { escapeMarkdown } from './escape-markdown.ts';

/** The server keeps 20,000 bytes of details; characters of several bytes are few. */
const maxCharacters = 18_000;

/** A wide sweep shows its newest lines and first variants. */
const maxLines = 50;
const maxChildren = 30;

/** A line tells a few figures; the rest is in the artifact's manifest. */
const maxFigures = 5;

const marks: Record<StepState['status'], string> = {
  waiting: '…',
  running: '▶',
  done: '✔',
  cached: '◆',
  failed: '✘',
  cancelled: '■',
};

/**
 * The current details of a workflow in the Temporal UI, in Markdown: what came of it, then one line a step. Lists,
 * because the UI shows them in half a page and its tables neither wrap well nor keep their columns apart.
 */
export function renderDetails(state: RunState, conclusion: string): string {
  const children = Object.entries(state.children)
    .slice(0, maxChildren)
    .map(([variant, id]) => `- variant **${escapeMarkdown(variant)}**: workflow \`${id}\``);
  const waiting =
    state.awaiting === null
      ? []
      : [`**Waiting for ${state.awaiting}** (update \`approve\` or \`reject\`)`, ''];
  return [
    ...waiting,
    ...(conclusion === '' ? [] : [conclusion]),
    ...state.steps.slice(-maxLines).map(line),
    ...(children.length === 0 ? [] : ['', '## Variants', '', ...children]),
  ]
    .join('\n')
    .slice(0, maxCharacters);
}

function line(step: StepState): string {
  const { status, seconds, failure } = step;
  const time = status === 'cached' ? ', cached' : seconds === null ? '' : `, ${seconds.toFixed(1)} s`;
  const outcome =
    failure === null ? outcomeOf(step) : `**${failure.name}**: ${escapeMarkdown(failure.message)}`;
  const head = `- ${marks[status]} **${step.step}** ${escapeMarkdown(step.summary)}${time}`;
  return outcome === '' ? head : `${head} → ${outcome}`;
}

/** A few of the artifact's figures, and the digits by which people know it. */
function outcomeOf({ artifact, facts }: StepState): string {
  if (artifact === null) return '';
  const figures = Object.entries(facts).flatMap(([name, value]) =>
    typeof value === 'number' ? [`${name} ${Number.isInteger(value) ? value : value.toPrecision(4)}`] : [],
  );
  return [...figures.slice(0, maxFigures), `\`${artifact.digest.slice(0, 12)}\``].join(', ');
}
