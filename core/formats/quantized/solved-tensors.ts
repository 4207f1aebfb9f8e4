import { BuildFailure } from '../../domain/failures.ts';
import { isFloatDtype, type WeightTensor } from '../tensor.ts';

/** What a solver found for one linear: codes I8 [out, in], scales F32 [out, groups], zeros I8 [out, groups]. */
export interface SolvedLinear {
  readonly codes: WeightTensor;
  readonly scales: WeightTensor;
  /** Only when asymmetric; signed, like the codes. */
  readonly zeros?: WeightTensor;
}

export interface SolvedTensors {
  readonly linears: ReadonlyMap<string, SolvedLinear>;
  /** Float tensors that replace the model's own of the same name. */
  readonly replaced: ReadonlyMap<string, WeightTensor>;
}

/** Sorts a solver's file: `<module>.codes`, `.scales` and `.zeros`; every other name is a tensor of the model. */
export function sortSolvedTensors(tensors: readonly WeightTensor[]): SolvedTensors {
  const replaced = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const linears = new Map<string, SolvedLinear>();
  for (const codes of tensors.filter(({ name }) => name.endsWith('.codes'))) {
    const module = codes.name.slice(0, -'.codes'.length);
    linears.set(module, readSolved(module, codes, replaced));
    for (const part of ['codes', 'scales', 'zeros']) replaced.delete(`${module}.${part}`);
  }
  for (const { name, dtype } of replaced.values())
    if (!isFloatDtype(dtype)) throw broken(`has ${name} as ${dtype}; tensors of the model are floats`);
  return { linears, replaced };
}

function readSolved(
  module: string,
  codes: WeightTensor,
  byName: ReadonlyMap<string, WeightTensor>,
): SolvedLinear {
  const scales = byName.get(`${module}.scales`);
  const zeros = byName.get(`${module}.zeros`);
  const plain = [codes, scales, zeros].every((part) => part?.strides === undefined);
  if (scales === undefined) throw broken(`has codes of ${module} but no scales`);
  if (!plain || codes.dtype !== 'I8' || scales.dtype !== 'F32' || (zeros?.dtype ?? 'I8') !== 'I8')
    throw broken(`has parts of ${module} that are not I8 codes, F32 scales and I8 zeros`);
  return { codes, scales, ...(zeros === undefined ? {} : { zeros }) };
}

function broken(problem: string): BuildFailure {
  return new BuildFailure('WeightsCorrupt', `The solver's file ${problem}`);
}
