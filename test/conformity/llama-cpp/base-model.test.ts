import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { llamaLayout } from '../../../system/toolchains/llama-cpp/generated/llama-layout.ts';
import type { Result } from '../../../system/toolchains/llama-cpp/protocol.ts';
import {
  f16,
  generations,
  openParams,
  type Perplexities,
  readOracle,
  session,
  type TopTokens,
  useLlamaSession,
  sum,
  validTexts,
} from '../../fixtures/llama-session.ts';

useLlamaSession();

describe('the float16 base model', () => {
  let base: Result<'open'>;

  beforeAll(async () => {
    base = await session.request('open', openParams(f16));
  });

  afterAll(() => session.request('close', { engine: base.engine }));

  it('is identified by the libraries that are really loaded', async () => {
    const identity = await session.request('identity', {});

    expect(identity.llamaCpp).toBe(llamaLayout.version);
    expect(Object.keys(identity.libraries)).toContain(`libggml-cpu-${identity.cpuBackend}.so`);
    expect(Object.keys(identity.libraries)).toEqual(
      expect.arrayContaining([expect.stringMatching(/^libllama/), 'libggml-base.so']),
    );
  });

  it('has the shape of the sample', () => {
    expect(base).toMatchObject({ vocabularySize: 4096, bos: 1, eos: 2, addBos: true, trainedContext: 1024 });
    expect(base.parameters).toBe(6_819_072);
  });

  it('makes the token ids of tokenizer.json for every prompt', async () => {
    for (const { text, input_ids } of generations.prompts) {
      const { tokens } = await session.request('tokenize', {
        engine: base.engine,
        text,
        addSpecial: true,
        parseSpecial: true,
      });

      expect(tokens).toEqual(input_ids);
    }
  });

  it.each(["a .b , don 't !", '  two  spaces — 中文', ' lead', 'line\n\nline\n'])(
    'gives %j back unchanged',
    async (text) => {
      const special = { addSpecial: false, parseSpecial: false };
      const { tokens } = await session.request('tokenize', { engine: base.engine, text, ...special });

      const back = await session.request('detokenize', { engine: base.engine, tokens, renderSpecial: false });

      expect(back.text).toBe(text);
    },
  );

  it('has the perplexity of torch in float32, window by window', async () => {
    const { models }: Perplexities = readOracle('ppl_fp32_cpu.json');
    const oracle = models.base.window_nll;
    const texts = validTexts.slice(0, 40);

    const { windows } = await session.request('perplexity', {
      engine: base.engine,
      source: { kind: 'texts', texts },
    });

    expect(windows).toHaveLength(40);
    for (const [index, { tokens, nll }] of windows.entries()) {
      expect(tokens).toBe(511);
      expect(Math.abs(nll / (oracle[index] ?? 0) - 1)).toBeLessThan(0.001);
    }
    const mean = sum(windows.map(({ nll }) => nll)) / sum(windows.map(({ tokens }) => tokens));
    const expected = sum(oracle.slice(0, 40)) / (40 * 511);
    expect(Math.abs(Math.exp(mean - expected) - 1)).toBeLessThan(0.003);
  });

  it('scores windows cut from a running text as it scores the same tokens given as they are', async () => {
    const engine = base.engine;
    const text = validTexts.slice(0, 3).join('\n\n');
    const { tokens } = await session.request('tokenize', {
      engine,
      text,
      addSpecial: false,
      parseSpecial: true,
    });
    const windows = [0, 1].map((index) => [base.bos, ...tokens.slice(99 * index, 99 * (index + 1))]);

    const cut = await session.request('perplexity', {
      engine,
      source: { kind: 'text', text, window: 100, maxWindows: 2 },
    });
    const given = await session.request('perplexity', { engine, source: { kind: 'tokens', windows } });

    expect(cut).toEqual(given);
  });

  it('ranks the next tokens as torch in float32 does', async () => {
    const { models }: TopTokens = readOracle('top5_fp32_cpu.json');
    const oracle = models.base;
    for (const [index, { input_ids }] of generations.prompts.entries()) {
      const expected = oracle[index];

      const { top, logSumExp, notFinite } = await session.request('logits', {
        engine: base.engine,
        tokens: input_ids,
        topK: 5,
      });

      expect(notFinite).toBe(0);
      expect(logSumExp).toBeCloseTo(expected?.logsumexp ?? 0, 1);
      // 0.02: float16 activations and cache; two tokens closer than that may change places.
      for (const [rank, { logit }] of top.entries()) {
        expect(Math.abs(logit - (expected?.top5[rank]?.logit ?? 0))).toBeLessThan(0.02);
      }
      expect(new Set(top.map(({ id }) => id))).toEqual(new Set(expected?.top5.map(({ id }) => id)));
    }
  });

  it('writes the greedy texts of torch but for near ties, and the same ones every time', async () => {
    const prompts = generations.prompts.map(({ id, text }) => ({ id, text }));
    const request = { engine: base.engine, prompts, maxNewTokens: 64 };

    const first = await session.request('generate', request);
    const second = await session.request('generate', request);

    expect(second).toEqual(first);
    const equal = first.texts.filter(({ tokens }, index) => {
      const oracle = generations.models.base[index]?.output_ids ?? [];
      return tokens.length === oracle.length && tokens.every((token, place) => token === oracle[place]);
    });
    expect(equal.length).toBeGreaterThanOrEqual(17);
    for (const { text, finish, tokens, promptTokens, id } of equal) {
      const oracle = generations.models.base.find((candidate) => candidate.id === id);
      expect({ text, finish }).toEqual({ text: oracle?.text, finish: oracle?.finish });
      expect(tokens.length).toBeGreaterThan(0);
      expect(promptTokens).toBe(generations.prompts.find((prompt) => prompt.id === id)?.input_ids.length);
    }
  });

  it('ends a text before a stop string, wherever the tokens part it', async () => {
    const prompts = generations.prompts.slice(0, 1).map(({ id, text }) => ({ id, text }));
    const free = await session.request('generate', { engine: base.engine, prompts, maxNewTokens: 32 });
    const whole = free.texts[0]?.text ?? '';
    const stop = whole.slice(11, 17);

    const stopped = await session.request('generate', {
      engine: base.engine,
      prompts,
      maxNewTokens: 32,
      stopStrings: [stop],
    });

    expect(stopped.texts[0]).toMatchObject({ text: whole.slice(0, whole.indexOf(stop)), finish: 'stop' });
  });

  it('refuses a prompt that leaves no room for the answer', async () => {
    const prompts = [{ id: 'long', tokens: Array.from({ length: 1000 }, () => 5) }];

    await expect(
      session.request('generate', { engine: base.engine, prompts, maxNewTokens: 64 }),
    ).rejects.toMatchObject({
      name: 'ToolFailed',
      message: expect.stringContaining('exceeds the context of 1024'),
    });
  });
});
