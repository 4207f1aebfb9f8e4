import { z } from 'zod';
import type { JsonObject } from '../../core/domain/json.ts';
import type { QuantizationScheme } from '../../core/formats/quantized/scheme.ts';
import type { WeightTools } from './contract.ts';
import { quantizeWeights } from './quantize-weights.ts';
import type { WeightsScope } from './weights-scope.ts';

/** As core/catalog/toolchains spell them. */
const Settings = z.looseObject({
  method: z.enum(['rtn', 'gptq', 'awq', 'smoothquant']),
  bits: z.literal([4, 8]),
  group: z.number().int().positive().nullable(),
  symmetric: z.boolean(),
  scaleDtype: z.enum(['F32', 'F16', 'BF16']),
});

/** How many of the worst linears the manifest keeps; the report shows fewer. */
const keptErrors = 8;

/** Quantizes a model the way a recipe asks. Statistics are what calibrated methods look at. */
export async function quantizeForStep(
  { from, out, parameters }: Parameters<WeightTools['quantize']>[0],
  scope: WeightsScope,
): Promise<JsonObject> {
  const { bits, group, symmetric, scaleDtype } = Settings.parse(parameters);
  const scheme: QuantizationScheme = {
    grid: { kind: 'integer', bits, group, symmetric, convention: 'centred' },
    layout: 'compressed-tensors',
    activations: 'none',
  };
  const report = await quantizeWeights({ from, to: out, scheme, scaleDtype }, scope);
  const { linears, bytesBefore, bytesAfter, worst } = report;
  return {
    linears,
    bytesBefore,
    bytesAfter,
    worst: worst.slice(0, keptErrors).map((error) => ({ ...error })),
  };
}
