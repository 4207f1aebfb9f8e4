import type { RunResult } from '../../../core/domain/run-result.ts';
import type { RunState, StepState } from '../../../core/domain/run-state.ts';
import type { Report } from '../../../core/domain/report.ts';
import { jsonOf, startCli, type CliEnd, type CliOptions, type CliProcess } from './cli.ts';
import { waitUntil } from './wait-until.ts';

/** What `run --json` prints. */
export interface RunDocument extends Omit<RunResult, 'report'> {
  readonly run: string;
  readonly reportFolder: string;
  readonly steps: { readonly ran: number; readonly cached: number; readonly failed: number };
  readonly report: Report;
}

/** What `show --json` prints. */
export interface ShownRun {
  readonly run: string;
  readonly status: string;
  readonly awaiting: RunState['awaiting'];
  readonly steps: readonly StepState[];
}

/** What `plan --json` prints. */
export interface PlanDocument {
  readonly steps: readonly {
    readonly step: string;
    readonly variant: string | null;
    readonly status: 'cached' | 'will run' | 'if needed';
  }[];
}

export interface FinishedRun {
  readonly end: CliEnd;
  readonly document: RunDocument;
  readonly shown: ShownRun;
}

/** A run to its end, and what `show` tells of it. */
export async function runRecipe(recipe: string, options: CliOptions): Promise<FinishedRun> {
  const end = await startCli(['run', recipe, '--json'], options).ended;
  if (end.stdout === '' || 'error' in (JSON.parse(end.stdout) as object))
    throw new Error(`the run failed:\n${end.stderr}`);
  const document = JSON.parse(end.stdout) as RunDocument;
  return { end, document, shown: await jsonOf<ShownRun>(['show', document.run], options) };
}

/** The id `run` names on stderr as soon as the run has started. */
export function runIdOf(process: CliProcess): Promise<string> {
  return waitUntil('the start of the run', () => /^run (\S+)$/m.exec(process.stderr())?.[1]);
}

export function enginesOf({ variants }: Pick<RunResult, 'variants'>): Record<string, string | null> {
  return Object.fromEntries(variants.map(({ name, engine }) => [name, engine]));
}

const nameOf = ({ step, variant }: { step: string; variant: string | null }): string =>
  variant === null ? step : `${variant}/${step}`;

/** Names of the steps with a status, sorted; a step that occurs twice is named twice. */
export function stepsWith(
  status: string,
  steps: readonly (StepState | PlanDocument['steps'][number])[],
): string[] {
  return steps
    .filter((step) => step.status === status)
    .map(nameOf)
    .toSorted();
}
