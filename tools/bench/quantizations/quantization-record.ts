import { z } from 'zod';
import { hostFields } from '../../docs/describe-host.ts';

/** A figure with its interval; the bounds are null below two units. */
const Figure = z.strictObject({ value: z.number(), low: z.number().nullable(), high: z.number().nullable() });

/** Which way a paired difference points, or that its interval holds 0. */
const Finding = z.literal(['better', 'worse', 'not told apart']);

const Difference = Figure.extend({ finding: Finding });

/** What two engines are compared by; `logLikelihood` is the mean ln p of a token, in nats. */
export const comparedFigures = ['rouge1', 'rouge2', 'rougeL', 'logLikelihood', 'kl', 'top1'] as const;
const FigureName = z.literal(comparedFigures);
const Differences = z.partialRecord(FigureName, Difference);

/** How sure an engine is of the next token of the perplexity text, and how often it is right; means over tokens. */
const Certainty = z.strictObject({
  /** Probability of the first choice. */
  firstChoice: z.number(),
  /** Share of tokens that are the first choice. */
  right: z.number(),
  /** Of the next token's distribution, nats: the loss the engine itself expects. */
  entropy: z.number(),
  /** The loss it has, nats. */
  loss: z.number(),
  /** The loss when all logits are divided by the record's temperature, nats. */
  temperedLoss: z.number(),
  /** Of the mean ln p at that temperature, against the baseline; null for the baseline. */
  temperedChange: Difference.nullable(),
});

const VariantRecord = z.strictObject({
  name: z.string(),
  /** In words, as reports have it. */
  label: z.string(),
  /** Null where the toolchain quantizes, or nobody. */
  bits: z.int().nullable(),
  /** Weights that share a scale; null: a row. */
  group: z.int().nullable(),
  bytes: z.int(),
  verdict: z.string(),
  figures: z.partialRecord(FigureName, Figure),
  perplexity: z.number(),
  /** Against the baseline, over the same samples and windows. */
  changes: Differences,
  /** Error of all linears' outputs on the calibration texts, of that of plain rounding; null where nobody solved. */
  outputError: z.number().nullable(),
  certainty: Certainty,
  digests: z.array(z.strictObject({ role: z.string(), digest: z.string() })),
});

/** docs/results/quantizations.json. */
export const QuantizationRecord = z.strictObject({
  command: z.string(),
  ...hostFields,
  steps: z.int(),
  model: z.string(),
  adapters: z.array(z.string()),
  calibration: z.strictObject({ windows: z.int(), window: z.int() }).nullable(),
  summaries: z.strictObject({ samples: z.int(), dialect: z.string() }),
  windows: z.strictObject({ asked: z.int(), scored: z.int(), tokens: z.int() }),
  statistics: z.strictObject({ confidence: z.number(), resamples: z.int(), seed: z.int() }),
  gates: z.array(z.strictObject({ metric: z.string(), rule: z.string(), bound: z.number() })),
  headline: z.string(),
  baseline: z.string(),
  /** At which the baseline's loss is smallest, of those tried. */
  temperature: z.number(),
  variants: z.array(VariantRecord),
  /** Of each source of the windows by itself: change of the mean ln p against the baseline, by variant. */
  sources: z.array(
    z.strictObject({
      source: z.string(),
      windows: z.int(),
      changes: z.record(z.string(), Difference),
    }),
  ),
  /** Every calibrated method beside plain rounding to the same bits and groups. */
  pairs: z.array(
    z.strictObject({
      candidate: z.string(),
      reference: z.string(),
      differences: Differences,
    }),
  ),
});

export type QuantizationRecord = z.output<typeof QuantizationRecord>;
export type VariantRecord = z.output<typeof VariantRecord>;
export type Differences = z.output<typeof Differences>;
export type Difference = z.output<typeof Difference>;
export type Figure = z.output<typeof Figure>;
export type FigureName = z.output<typeof FigureName>;
