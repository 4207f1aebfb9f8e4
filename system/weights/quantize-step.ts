import { join } from 'node:path';
import { z } from 'zod';
import { BuildFailure } from '../../core/domain/failures.ts';
import type { JsonObject } from '../../core/domain/json.ts';
import type { SolveMethod } from '../../core/domain/solve-plan.ts';
import type { QuantizationScheme } from '../../core/formats/quantized/scheme.ts';
import type { WeightTools } from './contract.ts';
import { quantizeBySolving } from './quantize-by-solving.ts';
import { type QuantizeReport, quantizeWeights } from './quantize-weights.ts';
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
  const quantizing = { from: request.from, to: request.out, ...formOf(settings) };
  if (settings.method === 'rtn') return factsOf(await quantizeWeights(quantizing, scope));
  if (request.statisticsFolder === null)
    throw new BuildFailure('InternalError', `${settings.method} was asked for without statistics`);
  const solving = {
    statisticsFile: join(request.statisticsFolder, statisticsFile),
    method: methodOf(settings),
  };
  const report = await quantizeBySolving({ ...quantizing, ...solving }, scope);
  return { ...factsOf(report), outputError: report.outputError };
}

function formOf({ method, bits, group, symmetric, scaleDtype }: Settings) {
  const scheme: QuantizationScheme = {
    grid: { kind: 'integer', bits, group, symmetric, convention: 'centred' },
    layout: 'compressed-tensors',
    // SmoothQuant makes weights harder to round for the sake of activations that are rounded too.
    activations: method === 'smoothquant' ? 'dynamic' : 'none',
  };
  return { scheme, scaleDtype };
}

function methodOf(settings: Exclude<Settings, { method: 'rtn' }>): SolveMethod {
  if (settings.method === 'gptq') return { kind: 'gptq', damp: settings.damp, order: settings.order };
  return settings.method === 'awq' ? { kind: 'awq' } : { kind: 'smoothquant', alpha: settings.alpha };
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
