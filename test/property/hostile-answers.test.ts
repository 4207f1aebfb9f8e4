import * as fc from 'fast-check';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FailureName, isBuildFailure } from '../../core/domain/failures.ts';
import { recordedAliases } from '../../core/formats/recorded-aliases.ts';
import type { WeightTensor } from '../../core/formats/tensor.ts';
import { readTensorManifest, writeTensorManifest } from '../../core/formats/tensor-manifest.ts';
import { isInnerPath } from '../../system/hub/hub-file.ts';
import { resolveRevision } from '../../system/hub/resolve-revision.ts';
import { parseJournal } from '../../system/hub/segment-journal.ts';
import { parseWeightsEvent } from '../../system/native-cli/weights-events.ts';
import { damagedText, fuzzRuns, slowReadMs } from '../fixtures/hostile/damage.ts';

const digest = 'ab'.repeat(32);
const commit = 'cd'.repeat(20);

/** Anything but the failure of this name is a bug. */
function refuseOtherThan(name: FailureName, error: unknown): void {
  if (!isBuildFailure(error) || error.name !== name) throw error;
}

describe('a damaged manifest of tensors', () => {
  const manifest = writeTensorManifest({
    root: digest as never,
    tensors: new Map([
      ['a.weight', { dtype: 'F16', shape: [2, 3], sha256: digest as never }],
      ['b', { dtype: 'U8', shape: [], sha256: digest as never }],
    ]),
  });

  it('is read or refused by name', () => {
    fc.assert(
      fc.property(damagedText(manifest), (text) => {
        const begun = performance.now();
        try {
          const { root, tensors } = readTensorManifest(text, '/m.json');
          expect(root).toMatch(/^[0-9a-f]{64}$/);
          for (const { sha256, shape } of tensors.values()) {
            expect(sha256).toMatch(/^[0-9a-f]{64}$/);
            expect(shape.every((size) => Number.isSafeInteger(size))).toBe(true);
          }
        } catch (error) {
          refuseOtherThan('WeightsCorrupt', error);
        }
        expect(performance.now() - begun).toBeLessThan(slowReadMs);
      }),
      fuzzRuns(1000),
    );
  });
});

describe("a hub's damaged answers", () => {
  const revision = JSON.stringify({ sha: commit, gated: 'manual', siblings: [] });
  const tree = JSON.stringify([
    { type: 'directory', path: 'a', oid: commit, size: 0 },
    { type: 'file', path: 'a/config.json', oid: commit, size: 12 },
    {
      type: 'file',
      path: 'model.safetensors',
      oid: commit,
      size: 9,
      lfs: { oid: digest, size: 9, pointerSize: 134 },
    },
  ]);
  let answers: { revision: string; tree: string };
  const server = http.createServer((request, response) => {
    response.end(request.url?.includes('/tree/') === true ? answers.tree : answers.revision);
  });
  let endpoint: string;
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  it('give a listing whose names stay inside, or a failure with a name', { timeout: 120_000 }, async () => {
    const scope = { signal: new AbortController().signal, onProgress: () => undefined };
    const damaged = fc.oneof(
      damagedText(tree).map((text) => ({ revision, tree: text })),
      damagedText(revision).map((text) => ({ revision: text, tree })),
      fc.json().map((text) => ({ revision, tree: text })),
    );
    await fc.assert(
      fc.asyncProperty(damaged, async (damage) => {
        answers = damage;
        try {
          const query = { endpoint, repo: 'a/b', revision: 'main', patience: { attempts: 1 } };
          const found = await resolveRevision(query, scope);
          expect(found.commit).toMatch(/^[0-9a-f]{40}$/);
          for (const { path, bytes, oid, sha256 } of found.files) {
            expect(isInnerPath(path)).toBe(true);
            expect(bytes).toBeGreaterThanOrEqual(0);
            expect(oid).toMatch(/^[0-9a-f]{40}$/);
            expect(sha256 ?? digest).toMatch(/^[0-9a-f]{64}$/);
          }
        } catch (error) {
          refuseOtherThan('HubUnreachable', error);
        }
      }),
      fuzzRuns(300),
    );
  });
});

describe('a damaged journal of segments', () => {
  it('is left aside, or has a line for every segment', () => {
    const journal = JSON.stringify({ bytes: 1000, segmentBytes: 300, done: [300, 0, 12, 100] });
    const forged = fc
      .record({
        bytes: fc.maxSafeInteger(),
        segmentBytes: fc.maxSafeInteger(),
        done: fc.array(fc.maxSafeInteger()),
      })
      .map((value) => JSON.stringify(value));
    fc.assert(
      fc.property(fc.oneof(damagedText(journal), forged), (text) => {
        const read = parseJournal(text);

        if (read === undefined) return;
        const { bytes, segmentBytes, done } = read;
        expect(done).toHaveLength(Math.ceil(bytes / segmentBytes));
        expect(done.every((count) => count >= 0 && count <= segmentBytes)).toBe(true);
      }),
      fuzzRuns(1000),
    );
  });
});

describe('recorded aliases', () => {
  const tensors = ['a', 'b', 'pt', '__proto__'].map((name, at): WeightTensor => ({
    name,
    dtype: 'U8',
    shape: [1],
    bytes: 1,
    file: '/f',
    offset: 8 + at,
  }));
  const word = fc.oneof(
    fc.constantFrom('a', 'b', 'c', 'pt', 'format', '__proto__', 'constructor'),
    fc.string(),
  );

  it('name no tensor twice, and share the bytes of one that is there', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(word, word)), (pairs) => {
        const aliases = recordedAliases(tensors, new Map(pairs));

        const names = [...tensors, ...aliases].map(({ name }) => name);
        expect(new Set(names).size).toBe(names.length);
        for (const { name, aliasOf, offset } of aliases) {
          expect(name).not.toBe('format');
          expect(offset).toBe(tensors.find((tensor) => tensor.name === aliasOf)?.offset);
        }
      }),
      fuzzRuns(1000),
    );
  });
});

describe('a damaged line of the native program', () => {
  const lines = [
    { event: 'progress', doneBytes: 1, totalBytes: 2, name: 'w' },
    { event: 'output', path: '/o', bytes: 3, sha256: digest },
    { event: 'digest', name: 'w', sha256: digest },
    { event: 'quantized', name: 'w', maxAbs: 1, relativeFrobenius: 0.1, cosine: 1, sqnr: null },
    { event: 'error', name: 'DiskFull', message: 'no room', tensor: 'w' },
  ].map((event) => JSON.stringify(event));

  it('is an event of the protocol, or none', () => {
    fc.assert(
      fc.property(fc.constantFrom(...lines).chain(damagedText), (line) => {
        const event = parseWeightsEvent(line);

        if (event === undefined) return;
        expect(['progress', 'output', 'quantized', 'solved', 'digest', 'error']).toContain(event.event);
        expect('sha256' in event ? event.sha256 : digest).toMatch(/^[0-9a-f]{64}$/);
        expect('bytes' in event ? event.bytes : 0).toBeGreaterThanOrEqual(0);
      }),
      fuzzRuns(1000),
    );
  });

  it.each(lines)('is an event when it is whole: %s', (line) => {
    expect(parseWeightsEvent(line)).toEqual(JSON.parse(line));
  });
});
