import type { RopeScaling } from '../../catalog/families/rope-shape.ts';

/**
 * The divisors of the rotary frequencies for Llama 3's scaling, one per pair of rows in a head, in single precision
 * (transformers modeling_rope_utils.py, `_compute_llama3_parameters`). Every operation is rounded to single, because
 * the reference computes on float32 tensors and the factors have to be equal to the last bit.
 */
export function llama3RopeFactors(
  scaling: Extract<RopeScaling, { type: 'llama3' }>,
  theta: number,
  headSize: number,
): Float32Array {
  const r = Math.fround;
  const { factor, originalContext, lowFrequencyFactor, highFrequencyFactor } = scaling;
  const longest = r(originalContext / lowFrequencyFactor);
  const shortest = r(originalContext / highFrequencyFactor);
  return Float32Array.from({ length: headSize / 2 }, (_, pair) => {
    const frequency = r(1 / r(theta ** r((2 * pair) / headSize)));
    const wavelength = r(r(2 * Math.PI) / frequency);
    if (wavelength < shortest) return 1;
    if (wavelength > longest) return factor;
    const distance = r(r(originalContext / wavelength) - r(lowFrequencyFactor));
    const smooth = r(distance / r(highFrequencyFactor - lowFrequencyFactor));
    return r(1 / r(r(r(1 - smooth) / r(factor)) + smooth));
  });
}
