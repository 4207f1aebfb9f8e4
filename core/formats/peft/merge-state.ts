import { BuildFailure } from '../../domain/failures.ts';
import type { FloatDtype, MatrixRange, MergePiece } from '../../domain/weights-plan.ts';
import { pieceOf, type TensorPiece } from '../pieces.ts';
import { isFloatDtype, type TensorSpec, type WeightTensor } from '../tensor.ts';

type Delta = MergePiece['deltas'][number];

/** What becomes of one base tensor while adapter after adapter is applied. */
export class MergeState {
  readonly base: WeightTensor;
  /** Base bytes, or those of the last replacement. */
  #source: WeightTensor;
  #deltas: Delta[] = [];

  constructor(base: WeightTensor) {
    this.base = base;
    this.#source = base;
  }

  get shape(): readonly number[] {
    return this.#source.shape;
  }

  get isReplaced(): boolean {
    return this.#source !== this.base;
  }

  get isTouched(): boolean {
    return this.isReplaced || this.#deltas.length > 0;
  }

  /** A later replacement wins over everything before it, as it does when peft merges adapters in order. */
  replaceBy(tensor: WeightTensor): void {
    this.#source = tensor;
    this.#deltas = [];
  }

  add(delta: Delta): void {
    this.#deltas.push(delta);
  }

  /** The finished tensor always has the base's dtype. */
  finish(rounding: MergePiece['rounding']): TensorSpec & { readonly piece: TensorPiece } {
    const { name, dtype } = this.base;
    const spec = { name, dtype, shape: this.shape };
    if (this.#deltas.length === 0 && this.#source.dtype === dtype)
      return { ...spec, piece: { ...pieceOf(this.#source), name } };
    const base = matrixOf(this.#source);
    const target = floatDtypeOf(this.base);
    return { ...spec, piece: { kind: 'merge', name, base, dtype: target, deltas: this.#deltas, rounding } };
  }
}

/** A tensor as a matrix; one of another rank only as a single row, which is enough to round it. */
export function matrixOf(tensor: WeightTensor): MatrixRange {
  const { file, offset, shape, strides } = tensor;
  const dtype = floatDtypeOf(tensor);
  const [rows, columns] = shape;
  if (shape.length === 2 && rows !== undefined && columns !== undefined) {
    const [down, right] = strides ?? [];
    const view = down === undefined || right === undefined ? {} : { strides: [down, right] as const };
    return { file, offset, dtype, rows, columns, ...view };
  }
  if (strides !== undefined) {
    throw new BuildFailure(
      'WeightsUnsupported',
      `Tensor ${tensor.name} is a strided view of ${shape.length} dimensions`,
    );
  }
  return { file, offset, dtype, rows: 1, columns: shape.reduce((items, size) => items * size, 1) };
}

function floatDtypeOf({ name, dtype }: TensorSpec): FloatDtype {
  if (isFloatDtype(dtype)) return dtype;
  throw new BuildFailure(
    'AdapterUnsupported',
    `Tensor ${name} is ${dtype}; only F64, F32, F16 and BF16 can be merged`,
    {
      hint: 'Merge into the unquantized base model.',
    },
  );
}
