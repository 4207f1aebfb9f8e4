import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMergeAdapters } from '../../activities/merge-adapters/activity.ts';
import { createRunStep, type RunStep } from '../../activities/run-step.ts';
import { identityOf, type ArtifactKind, type ArtifactRef } from '../../core/domain/artifact.ts';
import { defineStep, type StepResult } from '../../core/domain/step.ts';
import { createFolderStore } from '../../system/artifact-store/folder-store.ts';
import { convertWeights, type ConvertRequest } from '../../system/weights/convert-weights.ts';
import { identifyWeights } from '../../system/weights/identify-weights.ts';
import { createWeightTools } from '../../system/weights/weight-tools.ts';

const sample = join(import.meta.dirname, '../../examples/sample');
const torchFixtures = join(import.meta.dirname, '../fixtures/torch');
const scope = { signal: new AbortController().signal, onProgress: () => undefined };
const weights = createWeightTools(null);
const model = join(sample, 'sample-llama');

let work: string;
let runStep: RunStep;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'weights-identity-'));
  const nothing = async () => ({});
  const identities = { toolchain: nothing, machine: nothing, host: nothing };
  runStep = createRunStep({ store: createFolderStore(join(work, 'store')), identities, weights });
});
afterAll(() => rm(work, { recursive: true, force: true }));

async function converted(from: string, name: string, how: Omit<ConvertRequest, 'from' | 'to'>) {
  const to = join(work, name);
  await convertWeights({ from, to, ...how }, scope);
  return to;
}

async function changed(name: string, file: string, change: (bytes: Buffer) => Buffer): Promise<string> {
  const folder = join(work, name);
  await cp(model, folder, { recursive: true });
  await writeFile(join(folder, file), change(await readFile(join(folder, file))));
  return folder;
}

describe('the identity of weights', () => {
  it('is the same in safetensors and .bin, in two files or five', async () => {
    const bin = await converted(model, 'bin', { format: 'bin' });
    const divided = await converted(model, 'divided', { format: 'safetensors', maxShardBytes: 4_000_000 });

    const identity = await identifyWeights(model, scope);

    expect(identity).toMatch(/^[0-9a-f]{64}$/);
    expect(await identifyWeights(bin, scope)).toBe(identity);
    expect(await identifyWeights(divided, scope)).toBe(identity);
  });

  it('does not count an output layer that the config ties to the embedding', async () => {
    const tied = join(work, 'tied');
    await cp(join(torchFixtures, 'tied.bin'), join(tied, 'pytorch_model.bin'));
    await writeFile(join(tied, 'config.json'), '{"tie_word_embeddings": true}');
    const dropped = await converted(tied, 'dropped', { format: 'safetensors' });

    expect(await identifyWeights(dropped, scope)).toBe(await identifyWeights(tied, scope));
  });

  it('is another one after one bit of a tensor, one of the config, or without weights', async () => {
    const shard = 'model-00002-of-00002.safetensors';
    const bit = await changed('bit', shard, (bytes) => {
      bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
      return bytes;
    });
    const config = await changed('config', 'config.json', (bytes) =>
      Buffer.concat([bytes, Buffer.from(' ')]),
    );
    const broken = await changed('broken', shard, (bytes) => bytes.subarray(0, 100));

    const all = await Promise.all([model, bit, config].map((folder) => identifyWeights(folder, scope)));

    expect(new Set(all).size).toBe(3);
    expect(await identifyWeights(broken, scope)).toBeNull();
  });
});

/** Takes a folder into the store, as fetching and converting do. */
const takeIn = defineStep({
  name: 'take-in',
  version: 1,
  produces: 'weights',
  worker: 'cpu',
  startToCloseTimeout: '1 minutes',
  stallTimeoutMs: 60_000,
  dependsOn: { toolchain: false, machine: 'none' },
  key: ({ folder }: { readonly folder: string }) => ({ inputs: {}, parameters: { folder } }),
  summary: ({ folder }) => folder,
});

function asActivity<Kind extends ArtifactKind>(
  step: () => Promise<StepResult<Kind>>,
): Promise<StepResult<Kind>> {
  return new MockActivityEnvironment().run(step);
}

async function taken(folder: string): Promise<ArtifactRef<'weights'>> {
  const { artifact } = await asActivity(() =>
    runStep(takeIn, { folder }, async ({ out }) => {
      await cp(folder, out, { recursive: true });
      return {};
    }),
  );
  return artifact;
}

it('a merge of the same weights in another format is found in the store, with its own inputs on record', async () => {
  const adapterBin = await converted(join(sample, 'lora-summarise'), 'adapter-bin', { format: 'bin' });
  const [base, adapter] = await Promise.all([taken(model), taken(join(sample, 'lora-summarise'))]);
  const [otherBase, otherAdapter] = await Promise.all([taken(join(work, 'bin')), taken(adapterBin)]);
  const merge = createMergeAdapters({ runStep, weights });
  const run = (onto: ArtifactRef<'weights'>, by: ArtifactRef<'weights'>) =>
    asActivity(() =>
      merge({
        base: onto,
        adapters: [{ weights: by, weight: 1, label: 'summarise' }],
        rounding: 'peft-default',
        newRows: 'refuse',
      }),
    );

  const first = await run(base, adapter);
  const second = await run(otherBase, otherAdapter);

  expect(otherBase.digest).not.toBe(base.digest);
  expect(otherAdapter.digest).not.toBe(adapter.digest);
  expect(first.cached).toBe(false);
  expect(second).toEqual({ ...first, cached: true, seconds: second.seconds });
  // The merged model has an identity of its own, and its provenance names the very inputs.
  expect(identityOf(first.artifact)).not.toBe(first.artifact.digest);
  const entry = JSON.parse(
    await readFile(join(work, 'store', 'keys', `${first.key}.json`), 'utf8'),
  ) as object;
  expect(entry).toMatchObject({
    provenance: { inputs: { base: base.digest, 'adapter 1': adapter.digest } },
  });
});
