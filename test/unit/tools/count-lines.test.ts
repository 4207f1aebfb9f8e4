import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../../system/package-root.ts';

let tree = '';
beforeAll(async () => {
  tree = await mkdtemp(join(tmpdir(), 'enginewright-lines-'));
});
afterAll(() => rm(tree, { recursive: true, force: true }));

/** What is complained of in a tree of files with so many lines. */
async function complaints(files: Readonly<Record<string, number>>): Promise<readonly string[]> {
  await rm(tree, { recursive: true, force: true });
  for (const [path, lines] of Object.entries(files)) {
    await mkdir(dirname(join(tree, path)), { recursive: true });
    await writeFile(join(tree, path), 'line\n'.repeat(lines));
  }
  const script = join(packageRoot(), 'tools', 'count-lines.mjs');
  return await promisify(execFile)(process.execPath, [script, tree]).then(
    () => [],
    ({ stderr }: { readonly stderr: string }) => stderr.trimEnd().split('\n'),
  );
}

describe('counting lines', () => {
  it('lets 300 lines pass and names each longer file, of whatever kind of folder', async () => {
    const longer = [
      'core/a.ts',
      'native/a.cpp',
      'test/unit/a.test.ts',
      'test/fixtures/a.ts',
      'examples/x/a.py',
    ];
    const files = Object.fromEntries([['core/b.ts', 300], ...longer.map((path) => [path, 301])]);

    const found = await complaints(files);

    expect(new Set(found.map((line) => line.split(' has 301 lines')[0]))).toEqual(new Set(longer));
  });

  it('lets a worker have 40', async () => {
    expect(await complaints({ 'workers/a.ts': 40, 'cli/a.ts': 41 })).toEqual([]);
    expect(await complaints({ 'workers/a.ts': 41 })).toEqual([
      'workers/a.ts has 41 lines; split what is more than 40 by behaviour',
    ]);
  });

  it('does not count data, packages and what others wrote', async () => {
    const files = { 'examples/x/a.json': 900, 'test/fixtures/a.jsonl': 900, 'native/third_party/a.hpp': 900 };

    expect(await complaints(files)).toEqual([]);
  });
});
