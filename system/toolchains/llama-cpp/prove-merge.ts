import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isBuildFailure } from '../../../core/domain/failures.ts';
import type { MergeProof } from '../../../core/domain/merge-proof.ts';
import type { EffectScope } from '../../../core/domain/progress.ts';
import { openWeights } from '../../weights/open-weights.ts';
import type { EngineToolchain } from '../contract.ts';
import { openSession, threadsOf, type LlamaSettings } from './open-session.ts';
import { readModelConfig } from './read-model-folder.ts';
import { writeGguf } from './write-gguf.ts';
import { writeLoraGguf } from './write-lora-gguf.ts';

type ProofRequest = Parameters<EngineToolchain['proveMerge']>[0];

/** The prompts are short; a longer one is cut by nobody, it fails with llama.cpp's own words. */
const contextTokens = 2048;

/**
 * Two ways to the same logits that share no code after the readers: our merge, and llama.cpp's run-time LoRA on the base.
 * An adapter without a run-time form leaves the merge unproven, with the reason.
 */
export async function proveMerge(
  settings: LlamaSettings,
  request: ProofRequest,
  scope: EffectScope,
): Promise<MergeProof> {
  const { scratch } = request;
  await mkdir(scratch, { recursive: true });
  try {
    const adapters = await writeAdapters(request, scope);
    if (typeof adapters === 'string') return unproven(adapters);
    return await compare(settings, { ...request, adapters }, scope);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

function unproven(reason: string): MergeProof {
  return { unproven: reason, positions: 0, kldMean: 0, kldMax: 0, top1: 0 };
}

interface AdapterFile {
  readonly file: string;
  readonly scale: number;
}

/** The adapters as GGUF, or why one of them cannot be. */
async function writeAdapters(
  { adapters, baseFolder, scratch }: ProofRequest,
  scope: EffectScope,
): Promise<readonly AdapterFile[] | string> {
  const baseConfig = await readModelConfig(baseFolder);
  const written: AdapterFile[] = [];
  for (const { folder, weight, label } of adapters) {
    const outFile = join(scratch, `adapter-${written.length + 1}.gguf`);
    try {
      const { tensors } = await openWeights(folder, { prefer: 'adapter' });
      await writeLoraGguf({ adapterFolder: folder, tensors, baseConfig, outFile, name: label }, scope);
    } catch (error) {
      if (isBuildFailure(error) && error.name === 'AdapterUnsupported') return error.message;
      throw error;
    }
    written.push({ file: outFile, scale: weight });
  }
  return written;
}

async function compare(
  settings: LlamaSettings,
  request: Omit<ProofRequest, 'adapters'> & { readonly adapters: readonly AdapterFile[] },
  scope: EffectScope,
): Promise<MergeProof> {
  const { baseFolder, mergedFolder, scratch, texts, adapters } = request;
  const base = join(scratch, 'base.gguf');
  const merged = join(scratch, 'merged.gguf');
  await writeModel(baseFolder, base, scope);
  await writeModel(mergedFolder, merged, scope);
  await using session = await openSession(settings, scope);
  const options = { contextTokens, sequences: 1, threads: threadsOf(settings) };
  const { engine: baseline } = await session.request('open', {
    ...options,
    file: base,
    adapters: [...adapters],
  });
  const { engine: candidate } = await session.request('open', { ...options, file: merged, adapters: [] });
  const { windows, kld, top1 } = await session.request('divergence', {
    baseline,
    candidate,
    source: { kind: 'texts', texts: [...texts] },
  });
  const positions = windows.reduce((sum, { tokens }) => sum + tokens, 0);
  return { unproven: null, positions, kldMean: kld.mean, kldMax: kld.max, top1 };
}

/** In single precision, so that only the merge's own rounding is between the two. */
async function writeModel(modelFolder: string, outFile: string, scope: EffectScope): Promise<void> {
  const { tensors } = await openWeights(modelFolder);
  await writeGguf({ modelFolder, tensors, outFile, outType: 'f32', name: 'model' }, scope);
}
