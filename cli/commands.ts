import { run } from './commands/run.ts';
import { up } from './commands/up.ts';
import { worker } from './commands/worker.ts';
import type { Command } from './define-command.ts';

/** Every verb, in the order of the help. */
export const commands: readonly Command[] = [run, up, worker];
