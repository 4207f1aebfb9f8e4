// What the sample's engines give beside what torch, transformers and rouge_score gave for the same weights and texts.
// A test runs it on some samples, `npm run oracles` on all of them and writes docs/results/oracles.md.
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EffectScope } from '../../core/domain/progress.ts';
import { aggregatePerplexity } from '../../core/metrics/perplexity.ts';
import { scoreRouge } from '../../core/metrics/rouge/score-rouge.ts';
import { mean } from '../../core/metrics/statistics/mean.ts';
import { createLlamaCpp } from '../../system/toolchains/llama-cpp/toolchain.ts';
import { createWeightTools } from '../../system/weights/weight-tools.ts';

export interface OracleRequest {
  /** examples/sample */
  readonly sample: string;
  /** test/fixtures/oracles */
  readonly oracles: string;
  /** An empty folder for models and engines. */
  readonly scratch: string;
  /** How many summaries and perplexity windows, from the start; the oracle has 300 and 200. */
  readonly summaries: number;
  readonly windows: number;
}

export interface OracleComparison {
  readonly model: 'base' | 'lora-summarise';
  /** Mean over the same samples, in percent. */
  readonly rouge1: { readonly ours: number; readonly oracle: number };
  /** Pooled over the same windows. */
  readonly perplexity: { readonly ours: number; readonly oracle: number };
}

const models = [
  { model: 'base', oracle: 'base', adapters: [] },
  { model: 'lora-summarise', oracle: 'A', adapters: ['lora-summarise'] },
] as const;

/** Tokens the oracle's generations were cut at. */
const maxNewTokens = 80;

export async function compareWithOracles(
  request: OracleRequest,
  scope: EffectScope,
): Promise<OracleComparison[]> {
  const rouge = await readOracle<RougeOracle>(request, 'rouge.json');
  const perplexity = await readOracle<PerplexityOracle>(request, 'ppl_fp32_cpu.json');
  const comparisons: OracleComparison[] = [];
  for (const { model, oracle, adapters } of models) {
    const engine = await buildF16(request, { model, adapters }, scope);
    const references = rouge.models[oracle].samples.slice(0, request.summaries);
    const nll = perplexity.models[oracle].window_nll.slice(0, request.windows);
    comparisons.push({
      model,
      rouge1: {
        ours: await ownRouge(request, { engine, references }, scope),
        oracle: 100 * mean(references.map(({ rouge1 }) => rouge1)),
      },
      perplexity: {
        ours: await ownPerplexity(request, engine, scope),
        oracle: Math.exp(nll.reduce((sum, value) => sum + value, 0) / (511 * nll.length)),
      },
    });
  }
  return comparisons;
}

interface OracleSample {
  readonly id: string;
  readonly reference: string;
  readonly rouge1: number;
}

interface RougeOracle {
  readonly models: Record<'base' | 'A', { readonly samples: readonly OracleSample[] }>;
}

interface PerplexityOracle {
  readonly models: Record<'base' | 'A', { readonly window_nll: readonly number[] }>;
}

async function readOracle<T>({ oracles }: OracleRequest, name: string): Promise<T> {
  return JSON.parse(await readFile(join(oracles, name), 'utf8')) as T;
}

async function buildF16(
  { sample, scratch }: OracleRequest,
  { model, adapters }: { readonly model: string; readonly adapters: readonly string[] },
  scope: EffectScope,
): Promise<string> {
  const at = (part: string): string => join(scratch, model, part);
  const toolchain = createLlamaCpp({ llamaLibraries: null, threads: null, home: scratch });
  await Promise.all(
    [join(scratch, 'logs'), at('checkpoint'), at('engine')].map((path) => mkdir(path, { recursive: true })),
  );
  const base = join(sample, 'sample-llama');
  const choices = adapters.map((name) => ({ folder: join(sample, name), weight: 1 }));
  if (choices.length > 0) {
    await createWeightTools(null).merge(
      { base, adapters: choices, out: at('merged'), rounding: 'peft-default', newRows: 'refuse' },
      scope,
    );
  }
  const modelFolder = choices.length > 0 ? at('merged') : base;
  await toolchain.convertCheckpoint(
    { modelFolder, out: at('checkpoint'), parameters: { type: 'f16' } },
    scope,
  );
  const build = {
    checkpointFolder: at('checkpoint'),
    adapters: [],
    out: at('engine'),
    parameters: { type: 'F16' },
  };
  await toolchain.buildEngine(build, scope);
  return at('engine');
}

async function ownRouge(
  { sample, scratch }: OracleRequest,
  { engine, references }: { readonly engine: string; readonly references: readonly OracleSample[] },
  scope: EffectScope,
): Promise<number> {
  const lines = (await readFile(join(sample, 'data', 'eval.jsonl'), 'utf8')).trim().split('\n');
  const documents = new Map(
    lines
      .map((line) => JSON.parse(line) as { id: string; document: string })
      .map(({ id, document }) => [id, document]),
  );
  const prompts = references.map(({ id }) => ({
    id,
    text: `### Text:\n${documents.get(id) ?? ''}\n\n### Summary:\n`,
  }));
  const toolchain = createLlamaCpp({ llamaLibraries: null, threads: null, home: scratch });
  const { texts } = await toolchain.generate({ engineFolder: engine, prompts, maxNewTokens }, scope);
  const samples = references.map(({ id, reference }, index) => ({
    id,
    reference,
    prediction: texts[index]?.text ?? '',
  }));
  // rouge_score without stemmer, as the oracle's note says: what this dialect does.
  return scoreRouge(samples, { dialect: 'trtllm-summarize' }).metrics.rouge1.mean;
}

async function ownPerplexity(
  { sample, scratch, windows }: OracleRequest,
  engineFolder: string,
  scope: EffectScope,
): Promise<number> {
  const lines = (await readFile(join(sample, 'data', 'valid.jsonl'), 'utf8')).trim().split('\n');
  const texts = lines.map((line) => (JSON.parse(line) as { text: string }).text);
  const toolchain = createLlamaCpp({ llamaLibraries: null, threads: null, home: scratch });
  const plan = {
    kind: 'perplexity',
    dataset: { kind: 'dataset', digest: '' as never, bytes: 0 },
    window: 512,
    windows,
  } as const;
  const scores = await toolchain.perplexity({ engineFolder, source: { kind: 'texts', texts }, plan }, scope);
  return aggregatePerplexity(scores).pooled;
}
