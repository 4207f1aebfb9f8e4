import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../../system/package-root.ts';
import { fillBlocks } from '../../../tools/docs/fill-blocks.ts';
import { freshDocuments } from '../../../tools/docs/fresh-documents.ts';

/** Drawing the folders parses every source file, which takes long on a busy machine. */
const slowMs = 120_000;

describe('the generated documentation', () => {
  it(
    'is what the code says now (if not: npm run docs)',
    async () => {
      const root = packageRoot();

      const fresh = await freshDocuments(root);

      const committed = await Promise.all(
        [...fresh.keys()].map(async (path) => [path, await readFile(join(root, path), 'utf8')] as const),
      );
      expect(Object.fromEntries(committed)).toEqual(Object.fromEntries(fresh));
    },
    slowMs,
  );

  it(
    'never shows a value that is missing where the code expected one',
    async () => {
      const fresh = await freshDocuments(packageRoot());

      const holes = [...fresh].flatMap(([path, text]) =>
        text
          .split('\n')
          .filter((line) => /\b(undefined|NaN)\b|\[object /.test(line))
          .map((line) => `${path}: ${line}`),
      );
      expect(holes).toEqual([]);
    },
    slowMs,
  );
});

describe('filling a page', () => {
  const page = 'before\n<!-- generated: verbs -->\nold\n<!-- end -->\nafter';

  it('replaces what stands between the marks and nothing else', () => {
    expect(fillBlocks(page, { verbs: 'new' })).toBe(
      'before\n<!-- generated: verbs -->\n\nnew\n\n<!-- end -->\nafter',
    );
  });

  it('refuses a block that nothing generates, and content that has no block', () => {
    expect(() => fillBlocks(page, {})).toThrow("nothing generates the block 'verbs'");
    expect(() => fillBlocks(page, { verbs: 'new', steps: 'x' })).toThrow('the page has no block for steps');
  });
});
