import { BuildFailure } from '../../domain/failures.ts';
import type { FloatDtype, MatrixRange, MergeChange, MergePiece } from '../../domain/weights-plan.ts';
import { pieceOf, type TensorPiece } from '../pieces.ts';
import { isFloatDtype, type TensorSpec, type WeightTensor } from '../tensor.ts';

/** What becomes of one base tensor while adapter after adapter is applied. */
export class MergeState {
  readonly base: WeightTensor;
  /** Base bytes, or those of the last replacement. */
  #source: WeightTensor;
  #changes: MergeChange[] = [];
  #newRows = 0;

  constructor(base: WeightTensor) {
    this.base = base;
    this.#source = base;
  }

  get shape(): readonly number[] {
    const [rows = 0, ...others] = this.#source.shape;
    return this.#newRows === 0 ? this.#source.shape : [rows + this.#newRows, ...others];
  }

  get isReplaced(): boolean {
    return this.#source !== this.base;
  }

  get isTouched(): boolean {
    return this.isReplaced || this.#changes.length > 0;
  }

  /** Neither was changed since both held the same bytes. */
  equals(other: MergeState): boolean {
    const [mine, theirs] = [this.#source, other.#source];
    const isUnchanged = this.#changes.length + other.#changes.length === 0;
    return isUnchanged && mine.file === theirs.file && mine.offset === theirs.offset;
  }

  /** A later replacement wins over everything before it, as it does when peft merges adapters in order. */
  replaceBy(tensor: WeightTensor): void {
    this.#source = tensor;
    this.#changes = [];
  }

  change(change: MergeChange): void {
    this.#changes.push(change);
  }

  /** Appends rows, each the mean of the finished ones. */
  growTo(rows: number): void {
    this.#newRows = rows - (this.#source.shape[0] ?? 0);
  }

  /** The finished tensor always has the base's dtype. */
  finish(rounding: MergePiece['rounding']): TensorSpec & { readonly piece: TensorPiece } {
    const { name, dtype } = this.base;
    const spec = { name, dtype, shape: this.shape };
    const meanRows = this.#newRows === 0 ? {} : { meanRows: this.#newRows };
    // What an adapter brings whole goes through the merge as well, which refuses values that are not finite.
    const isAsItWas = !this.isReplaced || !isFloatDtype(dtype);
    if (this.#changes.length === 0 && this.#newRows === 0 && this.#source.dtype === dtype && isAsItWas)
      return { ...spec, piece: { ...pieceOf(this.#source), name } };
    const base = matrixOf(this.#source);
    const target = floatDtypeOf(this.base);
    const changes = this.#changes;
    return { ...spec, piece: { kind: 'merge', name, base, dtype: target, changes, rounding, ...meanRows } };
  }
}

/** A tensor as a matrix: one row of a single dimension; of more than two all but the last count rows. */
export function matrixOf(tensor: WeightTensor): MatrixRange {
  const { file, offset, shape } = tensor;
  const dtype = floatDtypeOf(tensor);
  const [rows, columns] = [productOf(shape.slice(0, -1)), shape.at(-1) ?? 1];
  return { file, offset, dtype, rows, columns, ...viewOf(tensor, columns) };
}

function viewOf({ name, shape, strides }: WeightTensor, columns: number): Pick<MatrixRange, 'strides'> {
  if (strides === undefined) return {};
  const [down, right] = strides.length === 1 ? [columns, strides[0]] : strides;
  if (shape.length <= 2 && down !== undefined && right !== undefined) return { strides: [down, right] };
  throw new BuildFailure(
    'WeightsUnsupported',
    `Tensor ${name} is a strided view of ${shape.length} dimensions`,
  );
}

function productOf(sizes: readonly number[]): number {
  return sizes.reduce((product, size) => product * size, 1);
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
