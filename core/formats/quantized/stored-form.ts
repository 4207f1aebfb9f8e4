import { BuildFailure } from '../../domain/failures.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import { countItems, type TensorDtype, type WeightTensor } from '../tensor.ts';
import type { IntegerLinear, QuantizedLinear, StoredScheme } from './quantized-linear.ts';

/** What a `quantization_config` says about the tensors of a linear. */
export interface StoredForm {
  readonly scheme: StoredScheme;
  /** Last word of the name of the codes, with their dtype where plain weights have that name too. */
  readonly codes: string;
  readonly dtype?: TensorDtype;
  /** Last words of all other tensors that belong to a linear and to nobody else. */
  readonly parts: readonly string[];
  /** WeightsCorrupt for a part that is missing or does not fit. */
  readonly linear: (parts: LinearParts) => QuantizedLinear;
}

/** Reads a `quantization_config`. WeightsUnsupported for what cannot be read. */
export type FormReader = (config: JsonObject) => StoredForm;

/** The tensors of one linear. */
export interface LinearParts {
  readonly module: string;
  readonly codes: WeightTensor;
  readonly part: (name: string) => WeightTensor;
  readonly optional: (name: string) => WeightTensor | undefined;
}

/** What a part has to be if it is there. */
export interface ExpectedPart {
  readonly tensor: WeightTensor | undefined;
  readonly dtypes: readonly TensorDtype[];
  readonly shape: readonly number[];
}

export const scaleDtypes = ['F32', 'F16', 'BF16'] as const satisfies readonly TensorDtype[];

/** WeightsCorrupt unless all parts have the dtypes and shapes that the linear's own asks for. */
export function checkParts(
  linear: Pick<QuantizedLinear, 'module' | 'rows' | 'columns'>,
  expected: readonly ExpectedPart[],
): void {
  const { module, rows, columns } = linear;
  const size = countItems([rows, columns]) ?? 0;
  if (size > 0 && expected.every((part) => fits(part))) return;
  const shapes = expected.flatMap(({ tensor }) =>
    tensor === undefined ? [] : [`${tensor.dtype} [${tensor.shape.join(', ')}]`],
  );
  throw corruptLinear(module, `has parts that do not fit together: ${shapes.join(', ')}`);
}

function fits({ tensor, dtypes, shape }: ExpectedPart): boolean {
  return tensor === undefined || (dtypes.includes(tensor.dtype) && tensor.shape.join() === shape.join());
}

/** Those of the optional parts of integers that are there. */
export function presentParts(parts: {
  readonly zeros: WeightTensor | undefined;
  readonly groupIndex: WeightTensor | undefined;
}): Pick<IntegerLinear, 'zeros' | 'groupIndex'> {
  const { zeros, groupIndex } = parts;
  return { ...(zeros === undefined ? {} : { zeros }), ...(groupIndex === undefined ? {} : { groupIndex }) };
}

/** A single number may be stored with one dimension or none. */
export function oneNumber({ shape }: WeightTensor): readonly number[] {
  return shape.length === 0 ? [] : [1];
}

/** Groups of a row; its last one may be shorter. */
export function groupsOf(columns: number, group: number | null): number {
  return group === null ? 1 : Math.ceil(columns / group);
}

export function corruptLinear(module: string, problem: string): BuildFailure {
  return new BuildFailure('WeightsCorrupt', `${module} ${problem}`, { details: { module } });
}

export function unsupportedModel(problem: string): BuildFailure {
  return new BuildFailure('WeightsUnsupported', `config.json: the model ${problem}`);
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** 4 or 8; WeightsUnsupported for another number. */
export function readBits(bits: Json | undefined): 4 | 8 {
  if (bits === 4 || bits === 8) return bits;
  throw unsupportedModel(`has ${JSON.stringify(bits)}-bit weights`);
}

/** Columns that share a scale; −1 is the whole row. WeightsUnsupported for what is no such number. */
export function readGroup(size: Json | undefined): number | null {
  if (size === -1) return null;
  if (typeof size === 'number' && Number.isSafeInteger(size) && size > 0) return size;
  throw unsupportedModel(`has groups of ${JSON.stringify(size)} columns`);
}
