import { BuildFailure } from '../../domain/failures.ts';
import type { Json } from '../../domain/json.ts';
import type { WeightTensor } from '../tensor.ts';
import { readWeightArguments, type WeightArguments } from './read-weight-arguments.ts';

/**
 * A linear whose weights are stored as integers: Ŵ[o, i] = scales[o, g] · (code[o, i] − zero[o, g]), g = ⌊i / group⌋.
 * `packed-in`: `codes` is I32 [rows, ⌈columns / n⌉] with n = 32 / bits codes a word, each stored as code + 2^(bits−1),
 * lowest bits first, and `zeros` I32 [⌈rows / n⌉, groups] packed the same way along the rows. `bytes`: `codes` is I8
 * [rows, columns] and `zeros` I8 [rows, groups]. `scales` is F32, F16 or BF16 [rows, groups]; groups is 1 when `group`
 * is null. (compressed-tensors `compressors/pack_quantized`, `compressors/naive_quantized`)
 */
export interface QuantizedLinear {
  /** E.g. `model.layers.0.mlp.up_proj`. */
  readonly module: string;
  /** W is [rows, columns] = [out, in]. */
  readonly rows: number;
  readonly columns: number;
  readonly bits: 4 | 8;
  /** Columns that share a scale, null for the whole row. */
  readonly group: number | null;
  readonly layout: 'packed-in' | 'bytes';
  readonly codes: WeightTensor;
  readonly scales: WeightTensor;
  /** Absent when zero is always 0. */
  readonly zeros?: WeightTensor;
}

export interface QuantizedModel {
  /** In the order of the tensors. */
  readonly linears: readonly QuantizedLinear[];
  /** Everything else: embeddings, norms, biases, linears left as they were. */
  readonly others: readonly WeightTensor[];
}

/**
 * Describes the integer weights of a model written by compressed-tensors as `pack-quantized` (4 or 8 bits) or
 * `int-quantized` (8 bits). `tensors` as an opened folder lists them, `config` the parsed config.json. WeightsUnsupported
 * for other formats; WeightsCorrupt for a linear with a part missing or of a shape that does not fit the others.
 */
export function readQuantizedLinears(tensors: readonly WeightTensor[], config: Json): QuantizedModel {
  const found = readWeightArguments(config);
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const linears: QuantizedLinear[] = [];
  const taken = new Set<string>();
  for (const tensor of tensors) {
    const module = moduleOfCodes(tensor, byName);
    if (module === undefined) continue;
    linears.push(describe({ module, codes: tensor, byName, found }));
    for (const part of parts) taken.add(`${module}.${part}`);
  }
  if (linears.length === 0)
    throw new BuildFailure('WeightsCorrupt', 'No tensor of the quantized model holds codes');
  return { linears, others: tensors.filter(({ name }) => !taken.has(name)) };
}

const parts = [
  'weight',
  'weight_packed',
  'weight_scale',
  'weight_zero_point',
  'weight_shape',
  'weight_g_idx',
] as const;

/** The module that a tensor holds the codes of, if it does. */
function moduleOfCodes(
  { name, dtype }: WeightTensor,
  byName: ReadonlyMap<string, WeightTensor>,
): string | undefined {
  if (name.endsWith('.weight_packed')) return name.slice(0, -'.weight_packed'.length);
  const module = name.endsWith('.weight') ? name.slice(0, -'.weight'.length) : undefined;
  return module !== undefined && dtype === 'I8' && byName.has(`${module}.weight_scale`) ? module : undefined;
}

interface Found {
  readonly module: string;
  readonly codes: WeightTensor;
  readonly byName: ReadonlyMap<string, WeightTensor>;
  readonly found: WeightArguments;
}

function describe({ module, codes, byName, found }: Found): QuantizedLinear {
  const layout = codes.name.endsWith('_packed') ? 'packed-in' : 'bytes';
  if ((layout === 'packed-in') !== (found.format === 'pack-quantized'))
    throw corrupt(module, `is stored in another form than the config's ${found.format}`);
  const part = (name: string): WeightTensor => {
    const tensor = byName.get(`${module}.${name}`);
    if (tensor === undefined) throw corrupt(module, `has no ${name}`);
    return tensor;
  };
  const { bits, group } = found;
  const scales = part('weight_scale');
  const linear: QuantizedLinear = {
    module,
    rows: codes.shape[0] ?? 0,
    columns: countColumns({ layout, codes, scales, bits, group }),
    bits,
    group,
    layout,
    codes,
    scales,
    ...(found.symmetric ? {} : { zeros: part('weight_zero_point') }),
  };
  checkShapes(linear);
  return linear;
}

/** A packed row may end in unused codes: scales of groups say where; a whole row is taken to fill its words. */
function countColumns({
  layout,
  codes,
  scales,
  bits,
  group,
}: Pick<QuantizedLinear, 'layout' | 'codes' | 'scales' | 'bits' | 'group'>): number {
  const width = codes.shape[1] ?? 0;
  if (layout === 'bytes') return width;
  return group === null ? (width * 32) / bits : (scales.shape[1] ?? 0) * group;
}

function checkShapes(linear: QuantizedLinear): void {
  const { module, rows, columns, bits, group, layout, codes, scales, zeros } = linear;
  const packed = layout === 'packed-in';
  const words = (size: number) => (packed ? Math.ceil((size * bits) / 32) : size);
  const groups = group === null ? 1 : columns / group;
  const expected = [
    { tensor: codes, dtypes: [packed ? 'I32' : 'I8'], shape: [rows, words(columns)] },
    { tensor: scales, dtypes: ['F32', 'F16', 'BF16'], shape: [rows, groups] },
    ...(zeros === undefined
      ? []
      : [{ tensor: zeros, dtypes: [packed ? 'I32' : 'I8'], shape: [words(rows), groups] }]),
  ];
  const isEmpty = rows * columns === 0;
  if (!isEmpty && expected.every(({ tensor, dtypes, shape }) => is(tensor, dtypes, shape))) return;
  const shapes = expected.map(({ tensor: { dtype, shape } }) => `${dtype} [${shape.join(', ')}]`).join(', ');
  throw corrupt(module, `has parts that do not fit together: ${shapes}`);
}

function is(tensor: WeightTensor, dtypes: readonly string[], shape: readonly number[]): boolean {
  return dtypes.includes(tensor.dtype) && tensor.shape.join() === shape.join();
}

function corrupt(module: string, problem: string): BuildFailure {
  return new BuildFailure('WeightsCorrupt', `${module} ${problem}`, { details: { module } });
}
