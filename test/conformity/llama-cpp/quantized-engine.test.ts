import { existsSync, readFileSync, truncateSync, copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Progress } from '../../../core/domain/progress.ts';
import { verifyEngine } from '../../../system/toolchains/llama-cpp/verify-engine.ts';
import {
  f16,
  folder,
  openParams,
  sample,
  session,
  useLlamaSession,
  sum,
  validTexts,
} from '../../fixtures/llama-session.ts';

useLlamaSession();

describe('a quantized engine', () => {
  const q8 = join(folder, 'q8.gguf');

  beforeAll(async () => {
    await session.request('quantize', { from: f16, to: q8, ftype: 7, threads: 1 });
  });

  it('appears under its name only when it is complete, and tells how far it is', async () => {
    const to = join(folder, 'q4.gguf');
    const notes: Progress[] = [];

    const { bytes } = await session.request(
      'quantize',
      { from: f16, to, ftype: 2, threads: 1, pure: true },
      (progress) => notes.push(progress),
    );

    expect(readFileSync(to).length).toBe(bytes);
    expect(existsSync(`${to}.partial`)).toBe(false);
    expect(notes.at(-1)?.fraction).toBe(1);
    const { types } = await session.request('inspect', { file: to });
    expect(types['q4_0']).toBe(44);
  });

  it('leaves nothing behind when its input is no GGUF', async () => {
    const to = join(folder, 'never.gguf');

    await expect(
      session.request('quantize', {
        from: join(sample, 'sample-llama/config.json'),
        to,
        ftype: 7,
        threads: 1,
      }),
    ).rejects.toMatchObject({ name: 'ToolFailed' });
    expect(existsSync(to) || existsSync(`${to}.partial`)).toBe(false);
  });

  it('passes its verification', async () => {
    const verified = await verifyEngine(session, {
      checkpoint: f16,
      engine: q8,
      type: 'Q8_0',
      adapters: [],
      threads: 1,
    });

    expect(verified).toMatchObject({ tensors: 57, types: { q8_0: 44, f32: 13 } });
  });

  it('fails it when the tensors have another type, or the file lost its end', async () => {
    const short = join(folder, 'short.gguf');
    copyFileSync(q8, short);
    truncateSync(short, 1_000_000);
    const subject = { checkpoint: f16, engine: q8, adapters: [], threads: 1 } as const;

    await expect(verifyEngine(session, { ...subject, type: 'Q4_0' })).rejects.toMatchObject({
      name: 'EngineInvalid',
    });
    await expect(verifyEngine(session, { ...subject, engine: short, type: 'Q8_0' })).rejects.toMatchObject({
      name: 'EngineInvalid',
    });
  });

  it('differs a little from its baseline, which does not differ from itself', async () => {
    const source = { kind: 'texts', texts: validTexts.slice(0, 2) } as const;
    const baseline = await session.request('open', openParams(f16));
    const same = await session.request('open', openParams(f16));
    const candidate = await session.request('open', openParams(q8));

    const none = await session.request('divergence', {
      baseline: baseline.engine,
      candidate: same.engine,
      source,
    });
    const some = await session.request('divergence', {
      baseline: baseline.engine,
      candidate: candidate.engine,
      source,
      keepPositions: true,
    });
    const alone = await session.request('perplexity', { engine: candidate.engine, source });

    expect(none).toMatchObject({ top1: 1, rmsDelta: 0, kld: { max: 0 } });
    expect(some.kld.mean).toBeGreaterThan(1e-5);
    expect(some.kld.mean).toBeLessThan(0.005);
    expect(some.top1).toBeGreaterThan(0.96);
    expect(some.windowsSha256).toBe(alone.windowsSha256);
    expect(some.windows.map(({ kld }) => kld?.length)).toEqual([511, 511]);
    for (const [index, { candidateNll, kldSum, kld }] of some.windows.entries()) {
      expect(candidateNll).toBeCloseTo(alone.windows[index]?.nll ?? 0, 6);
      expect(sum(kld ?? [])).toBeCloseTo(kldSum, 9);
    }
    for (const { engine } of [baseline, same, candidate]) await session.request('close', { engine });
  });
});
