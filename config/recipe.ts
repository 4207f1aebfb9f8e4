import { z } from 'zod';
import { QuantizationOptions } from '../core/catalog/quantizations/registry.ts';
import { toolchainIds } from '../core/catalog/toolchains/registry.ts';
import { rougeDialects } from '../core/metrics/rouge/dialects/registry.ts';
import { rougeTokenizers } from '../core/metrics/rouge/tokenizers.ts';

const Name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, "use lower-case letters, digits, '.', '_' and '-', at most 63");
const Source = z
  .string()
  .regex(/^(hf:[\w.-]+\/[\w.-]+|file:.+)$/, 'write hf:OWNER/NAME for the hub or file:PATH for a folder')
  .describe('hf:OWNER/NAME on the hub, or file:PATH of a folder, relative to the recipe.');
const FilePath = z.string().regex(/^file:.+$/, 'write file:PATH, relative to the recipe');
const Revision = z.string().min(1).default('main').describe('Branch, tag or commit.');
const TokenVariable = z
  .string()
  .regex(/^[A-Z_][A-Z0-9_]*$/, 'name a variable, never the token itself')
  .default('HF_TOKEN')
  .describe('Name of the variable that holds the hub token on the workers.');
const Toolchain = z.literal(toolchainIds);

const Patterns = z.array(z.string().min(1)).min(1);
const Files = z
  .strictObject({
    allow: Patterns.optional().describe('Exactly the files that match one of these.'),
    ignore: Patterns.optional().describe('Never these.'),
  })
  .optional()
  .describe("Which files; left out: configuration, tokenizer, licence and one format's weights.");

const Model = z.strictObject({ source: Source, revision: Revision, token: TokenVariable, files: Files });

const Adapter = z.strictObject({
  source: Source,
  revision: Revision,
  token: TokenVariable,
  files: Files,
  weight: z.number().default(1).describe('Factor of its change.'),
  merge: z.boolean().default(true).describe('False: kept apart and applied at run time.'),
});

export const Variant = z.strictObject({
  quantization: QuantizationOptions.describe('How the weights are made smaller.'),
  toolchain: Toolchain.optional().describe("Left out: the recipe's."),
});

const AxisValue = z.union([z.number(), z.string(), z.boolean()]);
const Sweep = z.strictObject({
  from: Name.describe('The variant whose settings are varied.'),
  over: z
    .record(z.string(), z.array(AxisValue).min(1))
    .describe('Setting (dotted path inside the variant) → values; several axes give every combination.'),
});

const Calibration = z.strictObject({
  dataset: FilePath.describe('Plain text or JSON lines with `text`; not what the evaluation reads.'),
  samples: z.int().min(1).max(4096).default(64).describe('Windows read.'),
  window: z.int().min(8).max(65_536).default(512).describe('Tokens per window.'),
  seed: z.int().min(0).default(1).describe('Which windows of a longer text.'),
});

const Trial = z.strictObject({
  prompts: z.array(z.string().min(1)).min(1).max(64).describe('Texts to continue.'),
  maxNewTokens: z.int().min(1).max(4096).default(48).describe('Tokens generated per prompt, at most.'),
});

const Summarize = z.strictObject({
  dataset: FilePath.describe('JSON lines with `id`, `document`, `reference`.'),
  samples: z.int().min(1).default(64).describe('How many, from the start.'),
  maxNewTokens: z.int().min(1).max(4096).default(64).describe('Tokens generated per document, at most.'),
  dialect: z
    .literal(rougeDialects.map(({ id }) => id))
    .default('trtllm-summarize')
    .describe('How ROUGE is computed.'),
  tokenizer: z
    .literal(rougeTokenizers.map(({ id }) => id))
    .default('ascii-words')
    .describe('zh-char for Chinese.'),
  template: z
    .string()
    .includes('{document}')
    .default('{document}')
    .describe('The prompt; {document} is replaced.'),
});

const Perplexity = z.strictObject({
  text: FilePath.describe('Plain text or JSON lines with `text`.'),
  window: z.int().min(8).max(65_536).default(512).describe('Tokens per window.'),
  windows: z.int().min(1).default(64).describe('How many, from the start of the text.'),
});

const Evaluation = z.strictObject({
  summarize: Summarize.optional().describe('ROUGE of generated summaries against references.'),
  perplexity: Perplexity.optional().describe('How well the engine predicts a text.'),
  divergence: z
    .boolean()
    .default(false)
    .describe("KL divergence and top-1 agreement against the baseline, on the perplexity's windows."),
});

const Benchmark = z.strictObject({
  inputTokens: z.int().min(1).default(128).describe('Length of each prompt.'),
  outputTokens: z.int().min(2).default(64).describe('Tokens generated per request.'),
  concurrency: z.array(z.int().min(1).max(256)).min(1).default([1]).describe('Sequences at once.'),
  repeats: z
    .int()
    .min(1)
    .max(1000)
    .default(5)
    .describe('Rounds per concurrency, each with that many requests at once.'),
});

const Gate = z
  .strictObject({
    metric: z.string().min(1).describe('Path of a metric, e.g. rouge1, perplexity or divergence.kld.mean.'),
    rule: z.literal('non-inferior').optional().describe('Not worse than the baseline by more than `margin`.'),
    margin: z.number().min(0).optional().describe('In units of the metric.'),
    max: z.number().optional().describe('Upper bound of the metric.'),
    min: z.number().optional().describe('Lower bound of the metric.'),
  })
  .refine(
    ({ rule, margin, max, min }) =>
      rule === undefined
        ? margin === undefined && (max === undefined) !== (min === undefined)
        : margin !== undefined && (max ?? min) === undefined,
    'give exactly one of: max, min, or rule: non-inferior with margin',
  );

const Publish = z.strictObject({
  alias: Name.describe('The name that will point at the release.'),
  promote: z
    .literal(['on-pass', 'on-approval', 'never'])
    .default('on-pass')
    .describe('When the alias moves: at once, when someone approves, or not at all.'),
  choose: z
    .union([
      z.literal(['smallest', 'fastest', 'best']),
      z.strictObject({ variant: Name.describe('This one, if it passed.') }),
    ])
    .default('smallest')
    .describe('Which of the variants that passed.'),
});

/** What a person may ask for: the whole recipe file. docs/recipe.md is generated from it. */
export const Recipe = z.strictObject({
  name: Name.describe('Names the run; runs of one recipe share it.'),
  model: Model.describe('What everything starts from.'),
  adapters: z.array(Adapter).default([]).describe('Merged in order.'),
  rounding: z
    .literal(['peft-default', 'peft-safe', 'once'])
    .default('peft-default')
    .describe('How the merge rounds.'),
  newRows: z
    .literal(['refuse', 'mean'])
    .default('refuse')
    .describe(
      'When the tokenizer needs embedding rows that no adapter brings: the mean of the others, or nothing.',
    ),
  anyBase: z
    .boolean()
    .default(false)
    .describe('Also merge adapters that name another hub repository as their base.'),
  toolchain: Toolchain.default('llama-cpp').describe('What builds and runs the engines.'),
  baseline: Name.describe('The variant all others are judged against.'),
  variants: z
    .record(Name, Variant)
    .refine((all) => Object.keys(all).length > 0, 'name at least one variant')
    .describe('The engines to make, by name.'),
  sweep: Sweep.optional().describe('More variants, made from one of the named.'),
  concurrency: z.int().min(1).max(64).default(2).describe('Variants under way at once.'),
  calibration: Calibration.optional().describe('Texts that gptq, awq and smoothquant look at.'),
  trial: Trial.default({
    prompts: ['Once upon a time', 'The capital of France is', 'In 1969,'],
    maxNewTokens: 48,
  }).describe('A first look: texts an engine continues, looked through for loops and silence.'),
  evaluation: Evaluation.default({ divergence: false }).describe('What the quality is measured by.'),
  benchmark: Benchmark.optional().describe('Speed, measured one engine at a time.'),
  gates: z.array(Gate).default([]).describe('What a variant must keep to, to pass.'),
  publish: Publish.optional().describe('What becomes of the variants that passed.'),
});
export type Recipe = z.output<typeof Recipe>;
