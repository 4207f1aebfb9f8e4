import type { CodedLinear } from '../../../core/formats/gguf/model-plan.ts';
import { halfScales } from '../../../core/formats/gguf/pack-blocks.ts';
import type { IntegerLinear, QuantizedLinear } from '../../../core/formats/quantized/quantized-linear.ts';
import { OpenFiles } from './input-files.ts';
import { readOrder, readScales, readZeros } from './open-linear.ts';

/**
 * Reads what decides how linears can be stored elsewhere. Leaves out zero points that are the middle throughout and orders that are the natural one: gptq and awq store both
 * always, and only their values tell whether they say anything. WeightsCorrupt for a column in a group that has no scale.
 */
export async function settleLinears(linears: readonly QuantizedLinear[]): Promise<CodedLinear[]> {
  const inputs = new OpenFiles();
  try {
    const settled: CodedLinear[] = [];
    for (const linear of linears)
      settled.push(
        linear.kind === 'integer' ? await settle(linear, inputs) : { linear, hasHalfScales: false },
      );
    return settled;
  } finally {
    await inputs.close();
  }
}

async function settle(linear: IntegerLinear, inputs: OpenFiles): Promise<CodedLinear> {
  const { zeros, groupIndex, ...rest } = linear;
  const found = await readZeros(linear, inputs);
  const hasZeros = zeros !== undefined && found?.some((zero) => zero !== 0) === true;
  const hasOrder = groupIndex !== undefined && (await readOrder(linear, inputs)) !== undefined;
  const scales = await readScales(linear.scales, inputs);
  return {
    linear: { ...rest, ...(hasZeros ? { zeros } : {}), ...(hasOrder ? { groupIndex } : {}) },
    hasHalfScales: halfScales(scales) !== undefined,
  };
}
