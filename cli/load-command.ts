import { nearest } from '../core/domain/nearest.ts';
import { BuildFailure } from '../core/domain/failures.ts';
import type { Command } from './define-command.ts';

/**
 * Verbs that need neither Temporal nor recipes load their own file alone: all verbs together take more than a second,
 * as long as the disk takes for a gigabyte.
 */
const alone: { readonly [verb: string]: () => Promise<Command> } = {
  convert: async () => (await import('./commands/convert.ts')).convert,
  compare: async () => (await import('./commands/compare.ts')).compare,
  inspect: async () => (await import('./commands/inspect.ts')).inspect,
  merge: async () => (await import('./commands/merge.ts')).merge,
  quantize: async () => (await import('./commands/quantize.ts')).quantize,
};

/** Every verb, in the order of the help. */
export async function loadCommands(): Promise<readonly Command[]> {
  return (await import('./commands.ts')).commands;
}

/** Throws UsageInvalid with the nearest verb. */
export async function loadCommand(verb: string): Promise<Command> {
  if (Object.hasOwn(alone, verb)) {
    const command = await alone[verb]?.();
    if (command !== undefined) return command;
  }
  const commands = await loadCommands();
  const command = commands.find(({ name }) => name === verb);
  if (command !== undefined) return command;
  const meant = nearest(
    verb,
    commands.map(({ name }) => name),
  );
  const hint = meant === undefined ? '' : `: did you mean ${meant}?`;
  throw new BuildFailure('UsageInvalid', `there is no verb '${verb}'${hint}`, {
    hint: 'Run enginewright help.',
  });
}
