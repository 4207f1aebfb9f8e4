import type { Json } from '../core/domain/json.ts';
import type { RunState, StepState } from '../core/domain/run-state.ts';
import { tableRow } from './table-row.ts';

/** The server keeps 20,000 bytes of details; a wide sweep shows its newest lines. */
const maxLines = 60;

/** A row tells a few figures; the rest is in the artifact's manifest. */
const maxFacts = 5;

const marks: Record<StepState['status'], string> = {
  waiting: '…',
  running: '▶',
  done: '✔',
  cached: '◆',
  failed: '✘',
  cancelled: '■',
};

/** The current details of a workflow in the Temporal UI, in Markdown: what came of it, then one row a step. */
export function renderDetails(state: RunState, conclusion: string): string {
  const rows = state.steps.slice(-maxLines).map(row);
  const children = Object.entries(state.children).map(
    ([variant, id]) => `- variant **${variant}**: workflow \`${id}\``,
  );
  const waiting =
    state.awaiting === null
      ? []
      : [`**Waiting for ${state.awaiting}** (update \`approve\` or \`reject\`)`, ''];
  return [
    ...waiting,
    ...(conclusion === '' ? [] : [conclusion]),
    '| | step | what | time | came out |',
    '|---|---|---|---|---|',
    ...rows,
    ...(children.length === 0 ? [] : ['', ...children]),
  ].join('\n');
}

function row(step: StepState): string {
  // A space that does not break: the column is narrow.
  const time = step.seconds === null ? '' : `${step.seconds.toFixed(1)}\u00A0s`;
  return tableRow([
    marks[step.status],
    step.step,
    step.summary,
    step.status === 'cached' ? 'cached' : time,
    step.failure === null ? outcome(step) : `${step.failure.name}: ${step.failure.message}`,
  ]);
}

/** A few of the artifact's figures, and the digits by which people know it. */
function outcome({ artifact, facts }: StepState): string {
  if (artifact === null) return '';
  const figures = Object.entries(facts).flatMap(([name, value]) => figure(name, value));
  return [...figures.slice(0, maxFacts), `\`${artifact.digest.slice(0, 12)}\``].join(', ');
}

/** Numbers and short words only: nested facts, digests and sentences do not fit a cell. */
function figure(name: string, value: Json): string[] {
  if (typeof value === 'number') return [`${name} ${Number.isInteger(value) ? value : value.toPrecision(4)}`];
  if (typeof value === 'string' && value.length <= 20) return [`${name} ${value}`];
  return [];
}
