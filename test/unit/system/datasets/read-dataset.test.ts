import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createFolderStore } from '../../../../system/artifact-store/folder-store.ts';
import { importDataset } from '../../../../system/datasets/import-dataset.ts';
import { parseSummaries, parseText, readSummaries } from '../../../../system/datasets/read-dataset.ts';

describe('summaries', () => {
  it('are JSON lines; samples without an id are counted', () => {
    const text = '\uFEFF{"id":"x","document":"d","reference":"r"}\r\n\r\n{"document":"e","reference":"s"}\n';

    expect(parseSummaries(text, 'eval.jsonl')).toEqual([
      { id: 'x', document: 'd', reference: 'r' },
      { id: 'sample-2', document: 'e', reference: 's' },
    ]);
  });

  it.each([
    ['nonsense', 'eval.jsonl:2 is no JSON'],
    ['{"document":"d"}', "eval.jsonl:2: 'reference'"],
    ['{"document":"","reference":"r"}', "eval.jsonl:2: 'document'"],
    ['{"document":1,"reference":"r"}', "eval.jsonl:2: 'document'"],
  ])('with the second line %s name that line', (line, message) => {
    expect(() => parseSummaries(`{"document":"d","reference":"r"}\n${line}\n`, 'eval.jsonl')).toThrow(
      expect.objectContaining({ name: 'DatasetInvalid', message: expect.stringContaining(message) }),
    );
  });

  it.each(['', '\n\n', '  \n'])('of %j are DatasetEmpty', (text) => {
    expect(() => parseSummaries(text, 'a')).toThrow(expect.objectContaining({ name: 'DatasetEmpty' }));
  });
});

describe('a text', () => {
  it('is one window a line as JSON lines, and runs on as plain text', () => {
    expect(parseText('{"text":"a"}\n{"text":"b"}\n', 'x')).toEqual({ kind: 'texts', texts: ['a', 'b'] });
    expect(parseText('Plain.\nText.\n', 'x')).toEqual({ kind: 'text', text: 'Plain.\nText.\n' });
  });

  it('without anything is DatasetEmpty', () => {
    expect(() => parseText(' \n', 'x')).toThrow(expect.objectContaining({ name: 'DatasetEmpty' }));
  });
});

describe('a dataset in the store', () => {
  it('is named by its bytes alone, and read back as it was', async () => {
    const root = await mkdtemp(join(tmpdir(), 'enginewright-dataset-'));
    const store = createFolderStore(join(root, 'store'));
    const line = '{"id":"x","document":"d","reference":"r"}\n';
    await writeFile(join(root, 'a.jsonl'), line);
    await writeFile(join(root, 'b.jsonl'), line);
    await writeFile(join(root, 'c.jsonl'), `${line}\n`);
    const [a, b, c] = await Promise.all(
      ['a', 'b', 'c'].map((name) =>
        importDataset(store, { path: join(root, `${name}.jsonl`), holds: 'summaries' }),
      ),
    );

    expect(b).toEqual(a);
    expect(c?.digest).not.toBe(a?.digest);
    if (a === undefined) throw new Error('three were imported');
    expect(await readSummaries(await store.folderOf(a))).toEqual([
      { id: 'x', document: 'd', reference: 'r' },
    ]);
    expect((await store.manifestOf(a.digest)).facts).toMatchObject({ samples: 1 });
    await rm(root, { recursive: true });
  });

  it('is not made of a file that is missing or wrong', async () => {
    const root = await mkdtemp(join(tmpdir(), 'enginewright-dataset-'));
    const store = createFolderStore(join(root, 'store'));
    const missing = importDataset(store, { path: join(root, 'none'), holds: 'text' });
    await expect(missing).rejects.toMatchObject({
      name: 'DatasetMissing',
      message: expect.stringContaining('ENOENT'),
    });
    await expect(importDataset(store, { path: root, holds: 'text' })).rejects.toMatchObject({
      name: 'DatasetMissing',
    });
    await rm(root, { recursive: true });
  });
});

describe('sample ids', () => {
  const line = (id: unknown): string => JSON.stringify({ id, document: 'd', reference: 'r' });

  it('may be numbers', () => {
    expect(parseSummaries([line(7), line('8')].join('\n'), 'x.jsonl').map(({ id }) => id)).toEqual([
      '7',
      '8',
    ]);
  });

  it('are refused when two samples share one, because figures are paired by them', () => {
    expect(() => parseSummaries([line('a'), line('a')].join('\n'), 'x.jsonl')).toThrow(
      expect.objectContaining({ name: 'DatasetInvalid', message: "x.jsonl has two samples with the id 'a'" }),
    );
  });
});
