import type { InputCheck } from '../domain/weights-plan.ts';
import type { WeightTensor } from './tensor.ts';

/** What must be true of the files of these tensors, each stretch once; goes into the plan that reads them. */
export function checksOf(tensors: readonly WeightTensor[]): readonly InputCheck[] {
  const checks = tensors.flatMap(({ check }) => check ?? []);
  return [...new Map(checks.map((check) => [`${check.offset} ${check.file}`, check])).values()];
}
