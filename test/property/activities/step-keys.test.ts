import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildEngine } from '../../../activities/build-engine/contract.ts';
import { stepContracts } from '../../../activities/contracts.ts';
import type { ArtifactRef, Digest } from '../../../core/domain/artifact.ts';
import { canonicalJson, type JsonObject } from '../../../core/domain/json.ts';
import { fullKey, type Identities } from '../../../core/planning/full-key.ts';
import { cases, type Case } from './step-samples.ts';

const identities: Identities = {
  toolchain: async (id) => ({ id, version: '1' }),
  machine: async () => ({ instructions: 'avx2' }),
  host: async () => ({ host: 'h' }),
};

async function keyOf({ contract }: Case, input: unknown, of: Identities = identities): Promise<string> {
  return canonicalJson(await fullKey(contract, contract.key(input as never), of));
}

type Path = readonly string[];

/** The paths of everything in a value that is no object. */
function leaves(value: unknown, path: Path = []): Path[] {
  if (value === null || typeof value !== 'object') return [path];
  return Object.entries(value).flatMap(([key, member]) => leaves(member, [...path, key]));
}

function replaceAt(value: unknown, [key, ...rest]: Path, change: (old: unknown) => unknown): unknown {
  if (key === undefined) return change(value);
  const copy = Array.isArray(value) ? [...(value as unknown[])] : { ...(value as object) };
  Reflect.set(copy, key, replaceAt(Reflect.get(copy, key), rest, change));
  return copy;
}

function reordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reordered);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, member]) => [key, reordered(member)]),
  );
}

/** Size and kind of an artifact follow from its digest, which is what a key holds. */
function isWords({ words }: Case, path: Path, input: unknown): boolean {
  const parent = path.slice(0, -1).reduce<unknown>((value, key) => Reflect.get(value as object, key), input);
  const followsDigest =
    typeof parent === 'object' && parent !== null && 'digest' in parent && path.at(-1) !== 'digest';
  const matches = (pattern: string): boolean =>
    pattern.split('.').length <= path.length &&
    pattern.split('.').every((word, index) => word === '*' || word === path[index]);
  return followsDigest || words.some(matches);
}

const changes: Record<string, (old: unknown) => unknown> = {
  string: (old) => (/^[0-9a-f]{64}$/.test(String(old)) ? 'e'.repeat(64) : `${String(old)}~`),
  number: (old) => Number(old) + 1,
  boolean: (old) => !(old as boolean),
};

describe.each(cases.map((one) => [one.contract.name, one] as const))('the key of %s', (_, one) => {
  const all = leaves(one.input).filter((path) => {
    const old = path.reduce<unknown>((value, key) => Reflect.get(value as object, key), one.input);
    return old !== null;
  });
  const changed = (path: Path): unknown => replaceAt(one.input, path, (old) => changes[typeof old]?.(old));

  it('changes with everything that its output depends on', async () => {
    const telling = all.filter((path) => !isWords(one, path, one.input));
    expect(telling.length).toBeGreaterThan(0);
    const key = await keyOf(one, one.input);
    const deaf: string[] = [];
    for (const path of telling) if ((await keyOf(one, changed(path))) === key) deaf.push(path.join('.'));
    expect(deaf).toEqual([]);
  });

  it('stays when only words and places change', async () => {
    const key = await keyOf(one, one.input);
    const talking: string[] = [];
    for (const path of all.filter((candidate) => isWords(one, candidate, one.input)))
      if ((await keyOf(one, changed(path))) !== key) talking.push(path.join('.'));
    expect(talking).toEqual([]);
  });

  it('does not depend on the order of members', async () => {
    expect(await keyOf(one, reordered(one.input))).toBe(await keyOf(one, one.input));
  });

  it('tells any two different lists of the same things apart', async () => {
    const lists = ['adapters', 'engines', 'variants'].filter((name) =>
      Reflect.has(one.input as object, name),
    );
    for (const name of lists) {
      const turned = replaceAt(one.input, [name], (list) => (list as unknown[]).toReversed());
      const shorter = replaceAt(one.input, [name], (list) => (list as unknown[]).slice(1));
      // Which of several engines is published does not depend on their order.
      expect((await keyOf(one, turned)) === (await keyOf(one, one.input))).toBe(name === 'engines');
      expect(await keyOf(one, shorter)).not.toBe(await keyOf(one, one.input));
    }
  });

  it('holds toolchain and machine exactly where the contract says so', async () => {
    const { toolchain, machine } = one.contract.dependsOn;
    const others: [boolean, Partial<Identities>][] = [
      [toolchain, { toolchain: async (id) => ({ id, version: '2' }) }],
      [machine !== 'none', { machine: async () => ({ instructions: 'avx512' }) }],
      [machine === 'host', { host: async () => ({ host: 'i' }) }],
    ];
    for (const [depends, other] of others) {
      const key = await keyOf(one, one.input, { ...identities, ...other });
      expect(key !== (await keyOf(one, one.input))).toBe(depends);
    }
  });

  it('changes with the version of the step', async () => {
    const next = { ...one, contract: { ...one.contract, version: one.contract.version + 1 } };

    expect(await keyOf(next, one.input)).not.toBe(await keyOf(one, one.input));
  });
});

it('every step there is has a sample here', () => {
  expect(cases.map(({ contract }) => contract.name).toSorted()).toEqual(
    stepContracts.map(({ name }) => name).toSorted(),
  );
});

it('no two steps share a key, whatever their inputs', async () => {
  const keys = await Promise.all(cases.map((one) => keyOf(one, one.input)));

  expect(new Set(keys).size).toBe(cases.length);
});

it('any digest and any setting of a build reach its key', async () => {
  const digest = fc.stringMatching(/^[0-9a-f]{64}$/);
  const settings = fc.dictionary(
    fc.stringMatching(/^[a-z]{1,8}$/).filter((name) => name !== 'weights' && name !== 'toolchain'),
    fc.oneof(fc.string(), fc.integer(), fc.boolean()),
  );
  const build = fc.record({ digest, settings });
  const key = async (one: { digest: string; settings: JsonObject }): Promise<string> => {
    const checkpoint: ArtifactRef<'checkpoint'> = {
      kind: 'checkpoint',
      digest: one.digest as Digest,
      bytes: 0,
    };
    const input = { checkpoint, adapters: [], toolchain: 't', parameters: one.settings, label: '' };
    return canonicalJson(await fullKey(buildEngine, buildEngine.key(input), identities));
  };
  await fc.assert(
    fc.asyncProperty(build, build, async (a, b) => {
      expect((await key(a)) === (await key(b))).toBe(canonicalJson(a) === canonicalJson(b));
    }),
  );
});
