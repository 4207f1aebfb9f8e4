import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Params } from '../../../system/toolchains/llama-cpp/protocol.ts';
import { writeLoraGguf } from '../../../system/toolchains/llama-cpp/write-lora-gguf.ts';
import { openWeights } from '../../../system/weights/open-weights.ts';
import {
  createScope,
  f16,
  folder,
  generations,
  openParams,
  type Perplexities,
  readOracle,
  sample,
  session,
  useLlamaSession,
  sum,
  validTexts,
} from '../../fixtures/llama-session.ts';

useLlamaSession();

describe('a run-time adapter', () => {
  const adapter = join(folder, 'summarise.gguf');
  const source = { kind: 'texts', texts: validTexts.slice(0, 3) } as const;

  async function score(adapters: Params<'open'>['adapters']): Promise<readonly number[]> {
    const { engine } = await session.request('open', openParams(f16, { adapters }));
    const { windows } = await session.request('perplexity', { engine, source });
    await session.request('close', { engine });
    return windows.map(({ nll }) => nll);
  }

  beforeAll(async () => {
    const adapterFolder = join(sample, 'lora-summarise');
    const { tensors } = await openWeights(adapterFolder, { prefer: 'adapter' });
    const baseConfig = JSON.parse(readFileSync(join(sample, 'sample-llama/config.json'), 'utf8'));
    await writeLoraGguf({ adapterFolder, tensors, baseConfig, outFile: adapter }, createScope());
  });

  it('scores as torch does with the merged model', async () => {
    const { models }: Perplexities = readOracle('ppl_fp32_cpu.json');

    const nll = await score([{ file: adapter, scale: 1 }]);

    for (const [index, value] of nll.entries()) {
      expect(Math.abs(value / (models.A.window_nll[index] ?? 0) - 1)).toBeLessThan(0.003);
    }
  });

  it('changes nothing at scale 0', async () => {
    expect(await score([{ file: adapter, scale: 0 }])).toEqual(await score([]));
  });

  it('is refused when its file is no adapter', async () => {
    const adapters = [{ file: f16, scale: 1 }];

    await expect(session.request('open', openParams(f16, { adapters }))).rejects.toMatchObject({
      name: 'ToolFailed',
      message: expect.stringContaining('adapter'),
    });
  });
});

describe('several sequences at once', () => {
  it('write the same texts as one after the other on the sample', async () => {
    const prompts = generations.prompts.map(({ id, text }) => ({ id, text }));
    const one = await session.request('open', openParams(f16));
    const four = await session.request('open', openParams(f16, { sequences: 4 }));

    const single = await session.request('generate', { engine: one.engine, prompts, maxNewTokens: 32 });
    const batched = await session.request('generate', { engine: four.engine, prompts, maxNewTokens: 32 });

    const same = batched.texts.filter(({ text }, index) => text === single.texts[index]?.text);
    expect(batched.texts.map(({ id }) => id)).toEqual(prompts.map(({ id }) => id));
    // A near tie may fall the other way when a matrix product replaces a vector product.
    expect(same.length).toBeGreaterThanOrEqual(18);
    await session.request('close', { engine: one.engine });
    await session.request('close', { engine: four.engine });
  });

  it('are measured one by one, in raw times that fit each other', async () => {
    const { engine } = await session.request('open', openParams(f16, { sequences: 2, contextTokens: 64 }));

    const { requests, peakMemoryBytes } = await session.request('measure', {
      engine,
      inputTokens: 16,
      outputTokens: 8,
      concurrency: 2,
      repeats: 3,
      warmup: 1,
      seed: 7,
    });

    expect(requests).toHaveLength(6);
    expect(peakMemoryBytes).toBeGreaterThan(10_000_000);
    for (const request of requests) {
      expect(request).toMatchObject({ inputTokens: 16, outputTokens: 8 });
      expect(request.gapsMs).toHaveLength(7);
      expect(request.firstTokenMs).toBeGreaterThan(request.sentMs);
      expect(request.firstTokenMs + sum(request.gapsMs)).toBeCloseTo(request.lastTokenMs, 6);
    }
    await session.request('close', { engine });
  });
});
