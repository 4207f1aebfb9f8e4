import { commonOptions, type Command, type Options } from '../define-command.ts';

export function renderHelp(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  return [
    'enginewright: from a model and its LoRA adapters to a quantized, verified, judged engine.',
    '',
    'Usage: enginewright VERB [options]',
    '',
    ...commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    '',
    'Every verb understands --json and --help. Exit codes are listed in docs/failures.md.',
  ].join('\n');
}

export function renderCommandHelp({ summary, usage, options }: Command): string {
  return [
    summary,
    '',
    `Usage: ${usage} [options]`,
    '',
    ...optionLines({ ...options, ...commonOptions }),
  ].join('\n');
}

function optionLines(options: Options): string[] {
  const rows = Object.entries(options).map(([name, option]) => {
    const left = `--${name}${option.type === 'boolean' ? '' : ` ${option.value ?? 'TEXT'}`}${option.multiple === true ? ' …' : ''}`;
    return [left, option.description] as const;
  });
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, description]) => `  ${left.padEnd(width)}  ${description}`);
}
