import { styleText } from 'node:util';
import type { StepLine } from '../run/read-progress.ts';

const marks = { waiting: '·', running: '▸', done: '✔', cached: '◆', failed: '✘', cancelled: '■' } as const;
const colors = { waiting: 'gray', running: 'cyan', done: 'green', cached: 'blue', failed: 'red', cancelled: 'yellow' } as const;

/** One line a step: mark, variant, what it does, and how far it is or how long it took. */
export function renderStepLine(line: StepLine, color: boolean): string {
  const paint = (style: Parameters<typeof styleText>[0], text: string): string => (color ? styleText(style, text) : text);
  const where = line.variant === null ? '' : `${line.variant}  `;
  return `${paint(colors[line.status], marks[line.status])} ${paint('gray', line.step.padEnd(18))} ${where}${line.summary}  ${paint('gray', stateOf(line))}`.trimEnd();
}

function stateOf({ status, seconds, heartbeat, attempt, lastFailure, failure }: StepLine): string {
  switch (status) {
    case 'done':
      return seconds === null ? 'done' : `${seconds.toFixed(1)} s`;
    case 'running': {
      const percent = heartbeat?.fraction == null ? '' : `${Math.floor(heartbeat.fraction * 100)} %`;
      const again = attempt > 1 ? `attempt ${attempt}${lastFailure === null ? '' : ` after: ${lastFailure}`}` : '';
      return [percent, heartbeat?.note ?? '', again].filter((part) => part !== '').join(' · ');
    }
    case 'failed':
      return failure === null ? 'failed' : `${failure.name}: ${failure.message}`;
    case 'cached':
    case 'cancelled':
    case 'waiting':
      return status;
  }
}
