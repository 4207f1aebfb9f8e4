import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DemoRecord } from './demo-record.ts';
import { failuresPage } from './failures-page.ts';
import { fillBlocks } from './fill-blocks.ts';
import { folderPicture } from './folder-picture.ts';
import { recipePage } from './recipe-page.ts';
import { recipeSchema } from './recipe-schema.ts';
import { resultTable } from './result-table.ts';
import { stepTable } from './step-table.ts';
import { verbTable } from './verb-table.ts';

/** Every document with generated content, as it should be: path below the root → text. */
export async function freshDocuments(root: string): Promise<ReadonlyMap<string, string>> {
  const read = (path: string): Promise<string> => readFile(join(root, path), 'utf8');
  const demo = DemoRecord.parse(JSON.parse(await read('docs/results/demo.json')));
  return new Map([
    ['README.md', fillBlocks(await read('README.md'), { result: resultTable(demo), verbs: verbTable() })],
    [
      'docs/architecture.md',
      fillBlocks(await read('docs/architecture.md'), {
        folders: await folderPicture(root),
        steps: stepTable(),
      }),
    ],
    ['docs/failures.md', failuresPage()],
    ['docs/recipe.md', recipePage()],
    ['docs/recipe.schema.json', `${JSON.stringify(recipeSchema(), null, 2)}\n`],
  ]);
}
