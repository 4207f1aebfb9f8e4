import { join } from 'node:path';
import { AliasBook } from '../../system/artifact-store/aliases.ts';
import { defineCommand } from '../define-command.ts';
import { renderTextTable } from '../output/text-table.ts';

export const history = defineCommand({
  name: 'history',
  summary: 'What an alias pointed at, since when, by whom and why; without a name, all aliases.',
  positionals: '[ALIAS]',
  options: {},
  async run({ positionals, home, print }) {
    const book = new AliasBook(join(home, 'store'));
    const [alias] = positionals;
    const names = alias === undefined ? await book.names() : [alias];
    const entries = (await Promise.all(names.map((name) => book.history(name)))).flat();
    const rows = entries.map((entry) => [
      entry.alias,
      String(entry.sequence),
      entry.at.slice(0, 19),
      entry.release.slice(0, 12),
      entry.by,
      entry.reason,
      entry.run.split(' ')[0] ?? '',
    ]);
    const columns = ['alias', 'change', 'since (UTC)', 'release', 'by', 'reason', 'run'];
    const text =
      rows.length === 0
        ? 'nothing was promoted yet'
        : renderTextTable({ columns, rows, alignment: columns.map(() => 'left') });
    print.result(entries, text);
  },
});
