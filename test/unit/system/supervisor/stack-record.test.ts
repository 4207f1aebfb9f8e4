import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import {
  readStackRecord,
  removeStackRecord,
  writeStackRecord,
} from '../../../../system/supervisor/stack-record.ts';

it('a record is read while its supervisor lives; a damaged one is none', async () => {
  const home = await mkdtemp(join(tmpdir(), 'enginewright-record-'));
  const record = {
    pid: process.pid,
    address: 'a:1',
    uiAddress: 'http://a:2',
    namespace: 'n',
    hubEndpoint: null,
    workers: {},
  };
  expect(await readStackRecord(home)).toBeNull();

  await writeStackRecord(home, record);
  expect(await readStackRecord(home)).toEqual(record);

  await writeStackRecord(home, { ...record, pid: 2 ** 22 + 1 });
  expect(await readStackRecord(home)).toBeNull();

  for (const text of ['', '{', '[]', 'null']) {
    await writeFile(join(home, 'stack.json'), text);
    expect(await readStackRecord(home)).toBeNull();
  }
  await removeStackRecord(home);
  await removeStackRecord(home);
  await rm(home, { recursive: true });
});
