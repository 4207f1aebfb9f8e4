import { z } from 'zod';
import { BuildFailure } from '../../core/domain/failures.ts';
import type { JsonObject } from '../../core/domain/json.ts';
import type { MergeReport } from '../../core/domain/merge-report.ts';
import type { TensorError } from '../../core/domain/report.ts';

// Facts stand in a manifest, which no digest covers: what a report says of them is looked at first.

const count = z.int().min(0);
const Difference = z.looseObject({
  added: count,
  removed: count,
  changed: count,
  firstAdded: z.array(z.string()),
  specialTokens: z.array(
    z.looseObject({ role: z.string(), from: z.string().nullable(), to: z.string().nullable() }),
  ),
  chatTemplate: z.literal(['same', 'changed', 'added', 'removed']),
});
const MergeFacts = z.looseObject({
  tensorsMerged: count,
  tensorsReplaced: count,
  tokenizer: z.literal(['base', 'adapter']),
  tokenizerDifference: Difference.nullable(),
  vocabulary: z.looseObject({ before: count, after: count, averaged: count }).nullable(),
  rounding: z.literal(['peft-default', 'peft-safe', 'once']),
  warnings: z.array(z.string()),
});
const QuantizedFacts = z.looseObject({
  worst: z
    .array(
      z.looseObject({
        name: z.string(),
        maxAbs: z.number(),
        relativeFrobenius: z.number(),
        cosine: z.number(),
        sqnr: z.number().nullable(),
      }),
    )
    .optional(),
});

/** Facts of a merged model. Throws StoreCorrupt. */
export function readMergeReport(facts: JsonObject): MergeReport {
  check(MergeFacts, facts, 'a merged model');
  return facts as MergeReport;
}

/** Facts of a quantized model: what the weight tools measured while they wrote it. Throws StoreCorrupt. */
export function readTensorErrors(facts: JsonObject): readonly TensorError[] {
  check(QuantizedFacts, facts, 'a quantized model');
  return (facts['worst'] ?? []) as readonly TensorError[];
}

/** The value itself goes on, not what the schema makes of it: the order of its members shows in report.json. */
function check(schema: z.ZodType, facts: JsonObject, of: string): void {
  const { error } = schema.safeParse(facts);
  if (error === undefined) return;
  const [issue] = error.issues;
  const message = `the facts of ${of} are not what its step writes: ${issue?.path.join('.')}: ${issue?.message}`;
  throw new BuildFailure('StoreCorrupt', message, {
    hint: "Remove the artifact's folder and its key from the store, and run again to make it anew.",
  });
}
