import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../../system/package-root.ts';

const root = packageRoot();
const under = async (folder: string): Promise<string[]> =>
  (await readdir(join(root, folder), { recursive: true }))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name));
const inRoot = (await readdir(root)).filter((name) => name.endsWith('.md'));
const pages = [...inRoot, ...(await under('docs')), ...(await under('tools')), 'native/README.md'];

/** Lines that would not be shown as the table they are meant to be. */
function problemsOf(page: string): string[] {
  const lines = page.replaceAll(/```[^]*?```/g, '').split('\n');
  const at = (index: number): string => lines[index] ?? '';
  return lines.flatMap((line, index) => {
    if (!line.startsWith('|')) return [];
    const above = at(index - 1);
    if (isRule(line) && at(index - 2).startsWith('|')) return [`'${above}' continues the table above it`];
    if (!above.startsWith('|')) return isRule(at(index + 1)) ? [] : [`'${line}' has no rule below it`];
    return cells(line) === cells(above) ? [] : [`'${line}' has ${cells(line)} cells, not ${cells(above)}`];
  });
}

function isRule(line: string): boolean {
  return /^\|[\s:|-]+\|$/.test(line);
}

function cells(row: string): number {
  return row.replaceAll('\\|', '').split('|').length - 2;
}

describe('the tables of the documentation', () => {
  it.each(pages)('%s shows each as one', async (page) => {
    expect(problemsOf(await readFile(join(root, page), 'utf8'))).toEqual([]);
  });

  it('would be told from tables that run into each other, lack a rule or a cell', () => {
    expect(problemsOf('| a |\n| - |\n| 1 |\n| b |\n| - |\n')).toEqual([
      "'| b |' continues the table above it",
    ]);
    expect(problemsOf('text\n\n| a |\n| 1 |\n')).toEqual(["'| a |' has no rule below it"]);
    expect(problemsOf('| a | b |\n| - | - |\n| 1 |\n')).toEqual(["'| 1 |' has 1 cells, not 2"]);
    expect(problemsOf('| a | b |\n| - | - |\n| 1 \\| 2 | 3 |\n')).toEqual([]);
  });
});
