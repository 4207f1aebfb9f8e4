/** Writes the pages and blocks that are made from the code. test/unit/tools/generated-docs.test.ts compares them. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../system/package-root.ts';
import { freshDocuments } from './docs/fresh-documents.ts';

for (const [path, text] of await freshDocuments(packageRoot())) {
  await writeFile(join(packageRoot(), path), text);
  console.error(path);
}
