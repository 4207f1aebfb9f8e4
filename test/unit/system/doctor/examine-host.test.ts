import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { hostChecks } from '../../../../system/doctor/checks.ts';
import type { Finding, HostPlaces } from '../../../../system/doctor/contract.ts';
import { examineHost } from '../../../../system/doctor/examine-host.ts';

const signal = new AbortController().signal;
const hub = createServer((_request, response) => response.writeHead(404).end());
let folder = '';
let program = '';
let places: HostPlaces;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'enginewright-doctor-'));
  program = join(folder, 'program');
  await writeFile(program, '#!/bin/sh\necho "program version 1.2.3"\n');
  await chmod(program, 0o755);
  await new Promise<void>((resolve) => void hub.listen(0, '127.0.0.1', resolve));
  const { port } = hub.address() as AddressInfo;
  places = {
    compiler: program,
    temporalServer: program,
    weightsProgram: program,
    home: join(folder, 'home'),
    hubEndpoint: `http://127.0.0.1:${port}`,
  };
});

afterAll(async () => {
  await new Promise((resolve) => void hub.close(resolve));
  await rm(folder, { recursive: true, force: true });
});

async function look(name: string, other: Partial<HostPlaces> = {}): Promise<Finding> {
  const check = hostChecks.find((candidate) => candidate.name === name);
  if (check === undefined) throw new Error(`no check is called ${name}`);
  return check.look({ ...places, ...other }, signal);
}

it('finds a complete host complete, says what it found, and leaves nothing behind', async () => {
  const findings = await examineHost(places, signal);

  expect(findings.filter(({ ok }) => !ok)).toEqual([]);
  expect(findings.map(({ name }) => name)).toEqual(hostChecks.map(({ name }) => name));
  expect(findings.find(({ name }) => name === 'temporal server')?.found).toBe('program version 1.2.3');
  expect(findings.find(({ name }) => name === 'hub')?.found).toContain('404');
  expect(await readdir(places.home)).toEqual([]);
});

it.each([
  ['compiler', { compiler: '/nowhere/c++' }, 'g++'],
  ['temporal server', { temporalServer: '/nowhere/temporal' }, 'TEMPORAL_PATH'],
  ['weights program', { weightsProgram: '/nowhere/weights' }, 'npm run setup'],
  ['llama.cpp libraries', { llamaLibraries: '/nowhere/libraries' }, 'ENGINEWRIGHT_LLAMA_LIBRARIES'],
  ['store', { home: '/dev/null/home' }, 'ENGINEWRIGHT_HOME'],
  ['hub', { hubEndpoint: 'http://127.0.0.1:1' }, 'HF_ENDPOINT'],
] as const)('tells what to do when the %s is not there', async (name, other, advice) => {
  const finding = await look(name, other);

  expect(finding.ok).toBe(false);
  expect(finding.found).not.toBe('');
  expect(finding.advice).toContain(advice);
});

it('takes a program that is there but fails for missing', async () => {
  const broken = join(folder, 'broken');
  await writeFile(broken, '#!/bin/sh\necho cannot find my library >&2\nexit 127\n');
  await chmod(broken, 0o755);

  expect(await look('weights program', { weightsProgram: broken })).toMatchObject({
    ok: false,
    found: expect.stringContaining('cannot find my library'),
  });
});

it('takes a library of another kind for missing', async () => {
  const libraries = await mkdtemp(join(folder, 'libraries-'));
  await Promise.all(
    ['llama', 'ggml', 'ggml-base'].map((stem) => writeFile(join(libraries, `lib${stem}.so`), 'no ELF')),
  );

  expect(await look('llama.cpp libraries', { llamaLibraries: libraries })).toMatchObject({ ok: false });
});
