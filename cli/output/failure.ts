import { failures, isBuildFailure, type FailureName } from '../../core/domain/failures.ts';
import type { Printer } from './printer.ts';

interface NamedFailure {
  readonly name: FailureName;
  readonly message: string;
  readonly hint: string;
}

/** Prints one clear sentence with the failure's name and what to do; returns the exit code of its row. */
export function printFailure(error: unknown, print: Printer): number {
  const failure = named(error);
  const { exit } = failures[failure.name];
  print.note(`${failure.name}: ${failure.message}${failure.hint === '' ? '' : `\n  ${failure.hint}`}`);
  if (failure.name === 'InternalError' && error instanceof Error) print.note(error.stack ?? '');
  const { name, message, hint } = failure;
  if (print.json) print.result({ error: { name, message, hint } }, '');
  return exit;
}

function named(error: unknown): NamedFailure {
  if (isBuildFailure(error)) return error;
  if (error instanceof Error && (error.name === 'AbortError' || error.name === 'CancelledFailure')) {
    return { name: 'Cancelled', message: 'stopped', hint: '' };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { name: 'InternalError', message, hint: failures.InternalError.advice };
}
