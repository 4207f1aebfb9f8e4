import { access, readFile, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { failures } from '../../../core/domain/failures.ts';
import { packageRoot } from '../../../system/package-root.ts';

const root = packageRoot();

it('every relative link and picture of the documentation leads to a file', async () => {
  const inRoot = (await readdir(root)).filter((name) => name.endsWith('.md'));
  const inDocs = (await readdir(join(root, 'docs'), { recursive: true })).filter((name) =>
    name.endsWith('.md'),
  );
  const pages = [...inRoot, ...inDocs.map((name) => join('docs', name)), join('native', 'README.md')];

  const broken: string[] = [];
  for (const page of pages) {
    const text = (await readFile(join(root, page), 'utf8')).replaceAll(/```[^]*?```/g, '');
    for (const [, target = ''] of text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      await access(join(root, dirname(page), target)).catch(() => broken.push(`${page}: ${target}`));
    }
  }

  expect(pages.length).toBeGreaterThan(10);
  expect(broken).toEqual([]);
});

it('every page that the advice of a failure names has what it says', async () => {
  const named = Object.values(failures).flatMap(({ advice }) => advice.match(/docs\/[\w-]+\.md/) ?? []);

  const recipePage = await readFile(join(root, 'docs/recipe.md'), 'utf8');
  expect(new Set(named)).toEqual(new Set(['docs/recipe.md']));
  expect(recipePage).toContain('## Keys');
  expect(recipePage).toContain('## Model families by toolchain');
});
