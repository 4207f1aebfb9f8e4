import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createProveMerge } from '../../../activities/prove-merge/activity.ts';
import type { ProveMergeInput } from '../../../activities/prove-merge/contract.ts';
import type { RunStep } from '../../../activities/run-step.ts';
import type { ArtifactKind, ArtifactRef } from '../../../core/domain/artifact.ts';
import type { MergeProof } from '../../../core/domain/merge-proof.ts';
import type { StepResult } from '../../../core/domain/step.ts';
import { sha256OfText } from '../../../system/files/hash-file.ts';
import { packageRoot } from '../../../system/package-root.ts';
import { createLlamaCpp } from '../../../system/toolchains/llama-cpp/toolchain.ts';
import { mergeAdapters } from '../../../system/weights/merge-adapters.ts';
import { failureOf } from '../../fixtures/weights/memory-source.ts';

const sample = join(packageRoot(), 'examples', 'sample');
const goldens = join(packageRoot(), 'test', 'fixtures', 'goldens', 'peft');
const base = join(sample, 'sample-llama');
const scope = { signal: new AbortController().signal, onProgress: () => undefined };
const texts = ['Summarise: The river rose for three days and the bridge was closed.', 'Once upon a time'];

let work: string;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'enginewright-proof-'));
});
afterAll(() => rm(work, { recursive: true, force: true }));

const toolchain = () => createLlamaCpp({ llamaLibraries: null, threads: 1, home: work });
const summarise = { folder: join(sample, 'lora-summarise'), weight: 1, label: 'lora-summarise' };

/** A model merged with the adapter at another weight than the proof is told. */
async function mergedAt(weight: number): Promise<string> {
  const out = join(work, `merged-${weight}`);
  await mergeAdapters({ base, adapters: [{ ...summarise, weight }], out, rounding: 'peft-default' }, scope);
  return out;
}

function artifact<Kind extends ArtifactKind>(kind: Kind, name: string): ArtifactRef<Kind> {
  return { kind, digest: sha256OfText(name), bytes: 1 };
}

/** The step as a worker runs it, with folders for a store. */
async function prove(model: string, out: string): Promise<StepResult<'proof'>> {
  const refs = {
    base: artifact('weights', 'base'),
    model: artifact('model', 'model'),
    adapter: artifact('weights', 'adapter'),
  };
  const folders = new Map([
    [refs.base.digest, base],
    [refs.model.digest, model],
    [refs.adapter.digest, summarise.folder],
  ]);
  const runStep: RunStep = async (contract, _input, effect) => {
    const folderOf = async ({ digest }: ArtifactRef): Promise<string> => folders.get(digest) ?? '';
    const facts = await effect({ ...scope, out, folderOf });
    const made = artifact(contract.produces, 'proof');
    return { artifact: made, key: made.digest, cached: false, facts, seconds: 0 };
  };
  const input: ProveMergeInput = {
    base: refs.base,
    adapters: [{ weights: refs.adapter, weight: 1, label: summarise.label }],
    model: refs.model,
    toolchain: 'llama-cpp',
    texts,
  };
  return createProveMerge({ runStep, toolchain })(input);
}

describe('the proof of a merge', () => {
  it('finds base and adapter at run time to say what the merged model says', async () => {
    const out = await mkdtemp(join(work, 'right-'));

    const { facts } = await prove(await mergedAt(1), out);

    expect(facts).toMatchObject({ unproven: null });
    expect(facts['kldMean']).toBeLessThan(0.001);
    expect(JSON.parse(await readFile(join(out, 'proof.json'), 'utf8'))).toEqual(facts);
  });

  it('fails for a merge with half the scale', async () => {
    const out = await mkdtemp(join(work, 'half-'));

    expect(await failureOf(prove(await mergedAt(0.5), out))).toMatch(
      /^MergeNotProven: the merged model diverges by \d+(?:\.\d+)? nats from its base with the adapters at run time/,
    );
  });
});

describe('an adapter without a run-time form', () => {
  /** Nothing of the merged model is looked at, so the base stands for it. */
  async function proofOf(kind: string, folder = join(goldens, kind, 'adapter')): Promise<MergeProof> {
    const { base: name } = JSON.parse(await readFile(join(goldens, kind, 'case.json'), 'utf8')) as {
      base: string;
    };
    const baseFolder = join(goldens, 'bases', name);
    const adapters = [{ folder, weight: 1, label: kind }];
    const request = {
      baseFolder,
      mergedFolder: baseFolder,
      adapters,
      texts,
      scratch: join(work, `scratch-${kind}`),
    };
    return toolchain().proveMerge(request, scope);
  }

  it.each([
    ['dora', 'rescales model.layers.0.mlp.down_proj by DoRA'],
    ['embedding', 'replaces the tensor model.embed_tokens.weight'],
    ['saved-modules', 'replaces whole modules (lm_head, norm)'],
    ['tokens', 'replaces rows of model.embed_tokens'],
    ['bias-only', 'replaces the tensor model.layers.0.self_attn.q_proj.bias'],
    ['lora-bias', 'adds a bias to model.layers.0.self_attn.q_proj'],
    ['rslora', 'scales its layers differently'],
  ])('leaves its merge unproven, with the reason: %s', async (kind, reason) => {
    const proof = await proofOf(kind);

    expect(proof).toMatchObject({ positions: 0, kldMean: 0 });
    expect(proof.unproven).toBe(`${kind} ${reason}, which llama.cpp cannot do at run time`);
  });

  it('leaves its merge unproven when its weights are stored transposed', async () => {
    const folder = join(work, 'turned');
    await cp(join(goldens, 'plain', 'adapter'), folder, { recursive: true });
    const file = join(folder, 'adapter_config.json');
    const config = JSON.parse(await readFile(file, 'utf8')) as object;
    await writeFile(file, JSON.stringify({ ...config, fan_in_fan_out: true }));

    expect((await proofOf('plain', folder)).unproven).toContain('stores its weights transposed');
  });
});
