import type { RunState, StepState } from '../core/domain/run-state.ts';

/** The server keeps 20,000 bytes of details; a wide sweep shows its unfinished and newest lines. */
const maxLines = 60;

const marks: Record<StepState['status'], string> = {
  waiting: '…',
  running: '▶',
  done: '✔',
  cached: '◆',
  failed: '✘',
  cancelled: '■',
};

/** The current details of a workflow in the Temporal UI: one row a step, in Markdown. */
export function renderDetails(state: RunState): string {
  const rows = state.steps.slice(-maxLines).map(row);
  const children = Object.entries(state.children).map(([variant, id]) => `- variant **${variant}**: workflow \`${id}\``);
  const waiting = state.awaiting === null ? [] : [`**Waiting for ${state.awaiting}** (update \`approve\` or \`reject\`)`, ''];
  return [
    ...waiting,
    '| | step | what | time | result |',
    '|---|---|---|---|---|',
    ...rows,
    ...(children.length === 0 ? [] : ['', ...children]),
  ].join('\n');
}

function row(step: StepState): string {
  const time = step.seconds === null ? '' : `${step.seconds.toFixed(1)} s`;
  const result = step.failure === null ? (step.artifact?.digest.slice(0, 12) ?? '') : `${step.failure.name}: ${step.failure.message}`;
  const status = step.status === 'cached' ? 'cached' : time;
  return `| ${marks[step.status]} | ${step.step} | ${escape(step.summary)} | ${status} | ${escape(result)} |`;
}

function escape(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
