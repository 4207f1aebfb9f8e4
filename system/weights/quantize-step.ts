import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { BuildFailure } from '../../core/domain/failures.ts';
import type { JsonObject } from '../../core/domain/json.ts';
import type { SolveMethod } from '../../core/domain/solve-plan.ts';
import type { QuantizationScheme } from '../../core/formats/quantized/scheme.ts';
import type { WeightTools } from './contract.ts';
import { type QuantizeReport, quantizeWeights } from './quantize-weights.ts';
import { type Solved, solveQuantization } from './solve-quantization.ts';
import { statisticsFile } from './statistics-file.ts';
import type { WeightsScope } from './weights-scope.ts';

const grid = {
  bits: z.literal([4, 8]),
  group: z.number().int().positive().nullable(),
  symmetric: z.boolean(),
  scaleDtype: z.enum(['F32', 'F16', 'BF16']),
};

/** As core/catalog/toolchains spell them. */
const Settings = z.discriminatedUnion('method', [
  z.strictObject({ method: z.literal('rtn'), ...grid }),
  z.strictObject({
    method: z.literal('gptq'),
    ...grid,
    damp: z.number().positive(),
    order: z.enum(['natural', 'activation']),
  }),
  z.strictObject({ method: z.literal('awq'), ...grid }),
  z.strictObject({ method: z.literal('smoothquant'), ...grid, alpha: z.number().min(0).max(1) }),
]);
type Settings = z.output<typeof Settings>;

/** How many of the worst linears the manifest keeps; the report shows fewer. */
const keptErrors = 8;

type StepRequest = Parameters<WeightTools['quantize']>[0];

/** Quantizes a model the way a recipe asks: rounded to nearest, or as a solver finds by the statistics. */
export async function quantizeForStep(request: StepRequest, scope: WeightsScope): Promise<JsonObject> {
  const settings = Settings.parse(request.parameters);
  const { bits, group, symmetric, scaleDtype } = settings;
  const scheme: QuantizationScheme = {
    grid: { kind: 'integer', bits, group, symmetric, convention: 'centred' },
    layout: 'compressed-tensors',
    activations: 'none',
  };
  const quantizing = { from: request.from, to: request.out, scheme, scaleDtype };
  if (settings.method === 'rtn') return factsOf(await quantizeWeights(quantizing, scope));
  const solved = join(request.out, '..', `.solved-${randomUUID()}.safetensors`);
  try {
    const found = await solve(settings, { request, solved }, scope);
    const report = await quantizeWeights({ ...quantizing, solved }, scope);
    const worst = found.errors.toSorted((a, b) => b.relativeFrobenius - a.relativeFrobenius);
    return { ...factsOf({ ...report, worst }), outputError: ratioOf(found.outputs) };
  } finally {
    await rm(solved, { force: true });
  }
}

function solve(
  settings: Exclude<Settings, { method: 'rtn' }>,
  { request, solved }: { readonly request: StepRequest; readonly solved: string },
  scope: WeightsScope,
): Promise<Solved> {
  const { from, statisticsFolder } = request;
  if (statisticsFolder === null)
    throw new BuildFailure('InternalError', `${settings.method} was asked for without statistics`);
  const { bits, group, symmetric, scaleDtype } = settings;
  return solveQuantization(
    {
      modelFolder: from,
      statisticsFile: join(statisticsFolder, statisticsFile),
      out: solved,
      grid: { kind: 'integer', bits, group, symmetric, convention: 'centred' },
      scaleDtype,
      method: methodOf(settings),
    },
    scope,
  );
}

function methodOf(settings: Exclude<Settings, { method: 'rtn' }>): SolveMethod {
  if (settings.method === 'gptq') return { kind: 'gptq', damp: settings.damp, order: settings.order };
  return settings.method === 'awq' ? { kind: 'awq' } : { kind: 'smoothquant', alpha: settings.alpha };
}

/** Error of all outputs together against that of plain rounding: below 1 is what the method gained. */
function ratioOf(outputs: Solved['outputs']): number {
  const sum = (pick: (output: Solved['outputs'][number]) => number): number =>
    outputs.reduce((total, output) => total + pick(output), 0);
  const rounded = sum(({ roundedError }) => roundedError);
  return rounded === 0 ? 1 : sum(({ error }) => error) / rounded;
}

function factsOf({
  linears,
  bytesBefore,
  bytesAfter,
  worst,
}: Pick<QuantizeReport, 'linears' | 'bytesBefore' | 'bytesAfter' | 'worst'>): JsonObject {
  const kept = worst.slice(0, keptErrors).map(({ name, maxAbs, relativeFrobenius, cosine, sqnr }) => ({
    name,
    maxAbs,
    relativeFrobenius,
    cosine,
    sqnr,
  }));
  return { linears, bytesBefore, bytesAfter, worst: kept };
}
