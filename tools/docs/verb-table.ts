import { commands } from '../../cli/commands.ts';
import { markdownTable } from './markdown-table.ts';

/** Every verb with what it does, from the help. */
export function verbTable(): string {
  return markdownTable(
    ['Verb', 'Does'],
    commands.map(({ usage, summary }) => [
      `\`${usage.replace(/^enginewright /, '').replace(/ \[options\]$/, '')}\``,
      summary,
    ]),
  );
}
