import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, copyFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EffectScope, Progress } from '../../core/domain/progress.ts';
import { groupIsAlive } from '../../system/process/end-group.ts';
import { bindLibrary } from '../../system/toolchains/llama-cpp/bind-library.ts';
import { llamaLayout } from '../../system/toolchains/llama-cpp/generated/llama-layout.ts';
import { locateLibraries } from '../../system/toolchains/llama-cpp/locate-libraries.ts';
import type { PinnedLayout } from '../../system/toolchains/llama-cpp/pinned-layout.ts';
import type { Params, Result } from '../../system/toolchains/llama-cpp/protocol.ts';
import { type LlamaSession, startLlamaSession } from '../../system/toolchains/llama-cpp/session.ts';
import { startChild } from '../../system/toolchains/llama-cpp/start-child.ts';
import { verifyEngine } from '../../system/toolchains/llama-cpp/verify-engine.ts';
import { writeGguf } from '../../system/toolchains/llama-cpp/write-gguf.ts';
import { writeLoraGguf } from '../../system/toolchains/llama-cpp/write-lora-gguf.ts';
import { openWeights } from '../../system/weights/open-weights.ts';

const root = new URL('../../', import.meta.url).pathname;
const sample = join(root, 'examples/sample');

interface OracleText {
  readonly id: string;
  readonly output_ids: readonly number[];
  readonly finish: string;
  readonly text: string;
}
interface Generations {
  readonly prompts: readonly { readonly id: string; readonly text: string; readonly input_ids: number[] }[];
  readonly models: { readonly base: readonly OracleText[] };
}
interface Perplexities {
  readonly models: { readonly [model in 'base' | 'A']: { readonly window_nll: readonly number[] } };
}
interface TopTokens {
  readonly models: {
    readonly base: readonly {
      readonly top5: readonly { readonly id: number; readonly logit: number }[];
      readonly logsumexp: number;
    }[];
  };
}

/** Parsed JSON; each caller names the type it reads. */
function readOracle(name: string) {
  return JSON.parse(readFileSync(join(root, 'test/fixtures/oracles', name), 'utf8'));
}

const generations: Generations = readOracle('generations_fp32_cpu.json');
const validTexts = readFileSync(join(sample, 'data/valid.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => (JSON.parse(line) as { text: string }).text);

function createScope(signal = new AbortController().signal): EffectScope & { readonly seen: Progress[] } {
  const seen: Progress[] = [];
  return { signal, onProgress: (progress) => seen.push(progress), seen };
}

const folder = mkdtempSync(join(tmpdir(), 'llama-cpp-'));
const f16 = join(folder, 'f16.gguf');
const logFile = join(folder, 'logs', 'llama.log');
let session: LlamaSession;

function openParams(file: string, change: Partial<Params<'open'>> = {}): Params<'open'> {
  return { file, contextTokens: 1024, sequences: 1, threads: 1, adapters: [], ...change };
}

beforeAll(async () => {
  const modelFolder = join(sample, 'sample-llama');
  const { tensors } = await openWeights(modelFolder);
  await writeGguf({ modelFolder, tensors, outFile: f16, outType: 'f16' }, createScope());
  session = await startLlamaSession({ logFile }, createScope());
});

afterAll(async () => {
  await session?.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('the pinned library', () => {
  it('is the one the layout was generated from', () => {
    expect(bindLibrary(locateLibraries({})).version()).toBe(llamaLayout.version);
  });

  it('is refused when one field of a struct is missing from the layout', () => {
    const wrong = changeStruct('llama_context_params', (fields) =>
      fields.filter(({ name }) => name !== 'n_rs_seq'),
    );

    expect(() => bindLibrary(locateLibraries({}), wrong)).toThrow(
      /offset of llama_context_params\.n_outputs_max is 16/,
    );
  });

  it('is refused when two fields of equal size are swapped, which only the defaults can tell', () => {
    const wrong = changeStruct('llama_context_params', ([first, second, ...rest]) => {
      if (first === undefined || second === undefined) throw new Error('the struct has no fields');
      return [{ ...second, offset: first.offset }, { ...first, offset: second.offset }, ...rest];
    });

    expect(() => bindLibrary(locateLibraries({}), wrong)).toThrow(
      expect.objectContaining({
        name: 'ToolchainMismatch',
        message: expect.stringMatching(/default of llama_context_params\.n_batch is 512 instead of 2048/),
      }),
    );
  });

  it('is refused when it is another version', () => {
    expect(() => bindLibrary(locateLibraries({}), { ...llamaLayout, version: '0.4.0' })).toThrow(
      /llama_version\(\) is 0\.5\.0-dev instead of 0\.4\.0/,
    );
  });

  it('is missing in a folder without it, and the child says so', async () => {
    await expect(startLlamaSession({ libraryFolder: folder }, createScope())).rejects.toMatchObject({
      name: 'ToolchainMissing',
    });
  });
});

function changeStruct(
  name: string,
  change: (fields: PinnedLayout['structs'][string]['fields']) => PinnedLayout['structs'][string]['fields'],
): PinnedLayout {
  const struct = llamaLayout.structs[name];
  if (struct === undefined) throw new Error(`no struct ${name}`);
  return {
    ...llamaLayout,
    structs: { ...llamaLayout.structs, [name]: { ...struct, fields: change(struct.fields) } },
  };
}

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

describe('the child process', () => {
  it('refuses an operation the protocol does not have, and goes on', async () => {
    // @ts-expect-error there is no such operation
    await expect(session.request('format-disk', {})).rejects.toMatchObject({
      name: 'InternalError',
      message: expect.stringContaining("'format-disk'"),
    });
    await expect(session.request('inspect', { file: f16 })).resolves.toMatchObject({ tensors: 57 });
  });

  it('refuses parameters the protocol does not have', async () => {
    // @ts-expect-error there is no such parameter
    await expect(session.request('inspect', { file: f16, colour: 'red' })).rejects.toThrow(/inspect/);
  });

  it('names a file that llama.cpp cannot load', async () => {
    await expect(session.request('open', openParams(join(folder, 'absent.gguf')))).rejects.toMatchObject({
      name: 'ToolFailed',
      details: { tail: expect.stringContaining('absent.gguf') },
    });
  });

  it('writes the log of llama.cpp to the file', async () => {
    await expect.poll(() => readFileSync(logFile, 'utf8')).toContain('llama_model_loader');
  });

  it('takes only itself down when it is killed in the middle of an operation', async () => {
    const doomed = await startLlamaSession({}, createScope());
    const work = perplexityOf(doomed);
    await work.started;

    process.kill(doomed.pid ?? 0, 'SIGKILL');

    await expect(work.done).rejects.toMatchObject({
      name: 'ToolCrashed',
      message: expect.stringMatching(/killed \(SIGKILL; .*during perplexity/),
      details: { tail: expect.stringMatching(/\S/) },
    });
    await expect(doomed.request('identity', {})).rejects.toMatchObject({ name: 'ToolCrashed' });
    await doomed.close();
  });

  it('is gone with its process group when the run is cancelled, and the reason is passed on untouched', async () => {
    const controller = new AbortController();
    const cancelled = await startLlamaSession({}, createScope(controller.signal));
    const group = cancelled.pid ?? 0;
    const work = perplexityOf(cancelled);
    await work.started;
    const reason = new Error('the user said stop');

    controller.abort(reason);

    await expect(work.done).rejects.toBe(reason);
    await expect(cancelled.request('identity', {})).rejects.toBe(reason);
    expect(await groupIsAlive(group)).toBe(false);
    await cancelled.close();
  });

  it('ends when its parent is gone, also in the middle of an operation', async () => {
    const child = startChild({});
    await once(child.stdout, 'data');
    const requests = [
      { id: 1, op: 'open', params: openParams(f16) },
      { id: 2, op: 'perplexity', params: { engine: 1, source: { kind: 'texts', texts: validTexts } } },
    ];
    for (const request of requests) child.stdin.write(`${JSON.stringify(request)}\n`);
    await once(child.stdout, 'data');
    child.stderr.resume();
    child.stdout.resume();

    child.stdin.end();

    expect((await child).signal).toBe('SIGTERM');
  });

  it('ends in peace when it is closed', async () => {
    const idle = await startLlamaSession({}, createScope());
    const group = idle.pid ?? 0;

    await idle.close();

    expect(await groupIsAlive(group)).toBe(false);
    await expect(idle.request('identity', {})).rejects.toThrow(/closed/);
  });
});

/** A perplexity that takes long enough to be interrupted. */
function perplexityOf(of: LlamaSession): { started: Promise<void>; done: Promise<unknown> } {
  let markStarted = (): void => {};
  const started = new Promise<void>((resolve) => {
    markStarted = resolve;
  });
  const score = async (): Promise<unknown> => {
    const { engine } = await of.request('open', openParams(f16));
    const source = { kind: 'texts', texts: validTexts } as const;
    return of.request('perplexity', { engine, source }, markStarted);
  };
  const done = score();
  done.catch(() => {});
  return { started, done };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
