#!/usr/bin/env node
import { resolve } from 'node:path';
import { readEnvironment } from '../config/environment.ts';
import { BuildFailure } from '../core/domain/failures.ts';
import { loadCommand, loadCommands } from './load-command.ts';
import { printFailure } from './output/failure.ts';
import { renderCommandHelp, renderHelp } from './output/help.ts';
import { createPrinter } from './output/printer.ts';

// A reader that has seen enough (`| head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

const [verb, ...rest] = process.argv.slice(2);
const json = rest.includes('--json');
const print = createPrinter({ json, color: true });
const interrupt = new AbortController();

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // A second one means: now.
    if (interrupt.signal.aborted) process.exit(130);
    interrupt.abort(new BuildFailure('Cancelled', `stopped by ${signal}`, { hint: '' }));
  });
}

try {
  process.exitCode = await dispatch();
} catch (error) {
  process.exitCode = printFailure(error, print);
}

async function dispatch(): Promise<number> {
  if (verb === undefined || verb === 'help' || verb === '--help' || verb === '-h') {
    const commands = await loadCommands();
    print.result(
      commands.map(({ name, summary }) => ({ name, summary })),
      renderHelp(commands),
    );
    return 0;
  }
  const command = await loadCommand(verb);
  if (rest.includes('--help') || rest.includes('-h')) {
    print.result(
      { name: command.name, usage: command.usage, options: command.options },
      renderCommandHelp(command),
    );
    return 0;
  }
  const environment = readEnvironment();
  const home = resolve(homeOption(rest) ?? environment.home ?? '.enginewright');
  return command.run(rest, { environment, home, signal: interrupt.signal, print });
}

function homeOption(args: readonly string[]): string | undefined {
  const at = args.findIndex((arg) => arg === '--home' || arg.startsWith('--home='));
  const given = args[at] === '--home' ? args[at + 1] : args[at]?.slice('--home='.length);
  // Without a directory it would become the current one.
  return given === '' ? undefined : given;
}
