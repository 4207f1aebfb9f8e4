import { styleText } from 'node:util';
import type { StepLine } from '../run/read-progress.ts';

const marks = { waiting: '·', running: '▸', done: '✔', cached: '◆', failed: '✘', cancelled: '■' } as const;
const colors = {
  waiting: 'gray',
  running: 'cyan',
  done: 'green',
  cached: 'blue',
  failed: 'red',
  cancelled: 'yellow',
} as const;

/** One line a step: mark, variant, what it does, and how far it is or how long it took. */
export function renderStepLine(line: StepLine, color: boolean): string {
  const paint = (style: Parameters<typeof styleText>[0], text: string): string =>
    // Left out, stdout would decide, which may be a file while stderr is a terminal.
    color ? styleText(style, text, { stream: process.stderr }) : text;
  const where = line.variant === null ? '' : `${line.variant}  `;
  return `${paint(colors[line.status], marks[line.status])} ${paint('gray', line.step.padEnd(18))} ${where}${line.summary}  ${paint('gray', stateOf(line))}`.trimEnd();
}

function stateOf(line: StepLine): string {
  const { status, seconds, failure } = line;
  if (status === 'running') return runningState(line);
  if (status === 'done') return seconds === null ? 'done' : `${seconds.toFixed(1)} s`;
  return failure === null ? status : `${failure.name}: ${failure.message}`;
}

/** How far it is, what it is at, and why it had to begin again. */
function runningState({ heartbeat, attempt, lastFailure }: StepLine): string {
  const fraction = heartbeat?.fraction ?? null;
  const percent = fraction === null ? '' : `${Math.floor(fraction * 100)} %`;
  const reason = lastFailure === null ? '' : ` after: ${lastFailure}`;
  const again = attempt > 1 ? `attempt ${attempt}${reason}` : '';
  return [percent, heartbeat?.note ?? '', again].filter((part) => part !== '').join(' · ');
}
