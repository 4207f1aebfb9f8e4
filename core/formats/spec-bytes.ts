import { BuildFailure } from '../domain/failures.ts';
import { countBytes, type TensorSpec } from './tensor.ts';

/** Bytes of a tensor about to be written. WeightsUnsupported if they are no whole number or beyond 2^53. */
export function specBytes({ name, dtype, shape }: TensorSpec): number {
  const bytes = countBytes(dtype, shape);
  if (bytes !== undefined) return bytes;
  throw new BuildFailure(
    'WeightsUnsupported',
    `Tensor ${name}: ${dtype} [${shape.join(', ')}] is no whole number of bytes`,
  );
}
