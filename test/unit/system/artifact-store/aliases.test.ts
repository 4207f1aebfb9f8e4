import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { AliasBook } from '../../../../system/artifact-store/aliases.ts';
import { sha256OfText } from '../../../../system/files/hash-file.ts';
import { startStoreProcess } from '../../../fixtures/start-store-process.ts';

let root = '';
let book: AliasBook;
const entry = {
  alias: 'prod',
  release: sha256OfText('r'),
  run: 'run',
  by: 'ada',
  reason: '',
  at: '2026-01-01T00:00:00Z',
};

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'enginewright-aliases-'));
  book = new AliasBook(root);
});

afterEach(() => rm(root, { recursive: true, force: true }));

it('an alias that was never set points nowhere', async () => {
  expect(await book.current('prod')).toBeNull();
  expect(await book.history('prod')).toEqual([]);
  expect(await book.names()).toEqual([]);
});

it('its history is told from the oldest change on, also past the ninth', async () => {
  for (let change = 0; change < 12; change += 1) await book.append({ ...entry, reason: `${change}` }, change);

  const history = await book.history('prod');

  expect(history.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  expect(await book.current('prod')).toEqual({ ...entry, sequence: 12, reason: '11' });
});

it('who saw an older state, or one that never was, learns that it moved, and nothing is written', async () => {
  await book.append(entry, 0);
  await book.append(entry, 1);

  for (const expected of [0, 1, 3, 7]) {
    await expect(book.append(entry, expected), `${expected}`).rejects.toMatchObject({ name: 'AliasMoved' });
  }
  expect(await book.history('prod')).toHaveLength(2);
});

it('of two processes that change it at once exactly one learns that it moved', async () => {
  await book.append(entry, 0);
  using first = await startStoreProcess('append', root, '1');
  using second = await startStoreProcess('append', root, '1');
  first.go();
  second.go();

  const outcomes = await Promise.all([first.line(), second.line()]);

  expect(outcomes.toSorted()).toEqual(['AliasMoved', 'won 2']);
  expect(await book.history('prod')).toHaveLength(2);
});

it('aliases do not meet', async () => {
  await book.append(entry, 0);
  await book.append({ ...entry, alias: 'candidate' }, 0);

  expect(await book.names()).toEqual(['candidate', 'prod']);
  expect(await book.history('candidate')).toHaveLength(1);
});

it.each(['', '.', '..', '../x', 'a/b', 'Prod', ' prod', 'a'.repeat(64), '-x'])(
  'the name "%s" is refused',
  async (alias) => {
    await expect(book.append({ ...entry, alias }, 0)).rejects.toMatchObject({ name: 'UsageInvalid' });
    await expect(book.history(alias)).rejects.toMatchObject({ name: 'UsageInvalid' });
  },
);

it('what else lies in its folder is no change', async () => {
  await book.append(entry, 0);
  await writeFile(join(root, 'aliases', 'prod', '000002.json.half.tmp'), '{');

  expect(await book.history('prod')).toHaveLength(1);
});

it.each([
  ['cut off', (text: string) => text.slice(0, 20)],
  ['without a release', (text: string) => text.replace('"release"', '"realese"')],
  ['with a release that is no digest', (text: string) => text.replace(/[0-9a-f]{64}/, 'latest')],
  ['that is a list', () => '[]'],
])('an entry %s is told as damage of the store, by its file', async (_, damage) => {
  await book.append(entry, 0);
  const file = join(root, 'aliases', 'prod', '000001.json');
  await writeFile(file, damage(await readFile(file, 'utf8')));

  await expect(book.current('prod')).rejects.toMatchObject({
    name: 'StoreCorrupt',
    message: expect.stringContaining(file),
  });
});
