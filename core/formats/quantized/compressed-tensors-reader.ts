import type { Json, JsonObject } from '../../domain/json.ts';
import type { WeightTensor } from '../tensor.ts';
import { activationParts, fp8Linear, nvfp4Linear } from './float-readers.ts';
import type { Fp8Linear, IntegerLinear } from './quantized-linear.ts';
import {
  checkParts,
  groupsOf,
  isObject,
  type LinearParts,
  presentParts,
  readBits,
  readGroup,
  scaleDtypes,
  type StoredForm,
  unsupportedModel,
} from './stored-form.ts';

/**
 * Folders of the compressed-tensors package in the formats that `compressedTensors` writes. WeightsUnsupported for groups
 * of modules that differ: none of our tools writes such a model.
 */
export function readCompressedForm(config: JsonObject): StoredForm {
  const { format, config_groups: groups } = config;
  if (typeof format !== 'string' || !Object.hasOwn(forms, format))
    throw unsupportedModel(`has weights in the format ${JSON.stringify(format)}`);
  const all = Object.values(isObject(groups) ? groups : {});
  const [first, ...others] = all.map((group) => readWeights(group));
  if (first === undefined) throw unsupportedModel('has no config_groups');
  if (others.some((other) => JSON.stringify(other) !== JSON.stringify(first)))
    throw unsupportedModel('has modules that are quantized in different ways');
  const form = forms[format as keyof typeof forms](first);
  const parts = [...form.parts, 'weight_scale', ...activationParts];
  return { ...form, parts, scheme: { method: 'compressed-tensors', format, ...form.scheme } };
}

type Form = Omit<StoredForm, 'scheme'> & { readonly scheme: Omit<StoredForm['scheme'], 'method' | 'format'> };

const forms = {
  'pack-quantized': (weights: WeightArguments): Form => ({
    ...integerForm(weights, 'packed-in'),
    codes: 'weight_packed',
  }),
  'int-quantized': (weights: WeightArguments): Form => ({
    ...integerForm(weights, 'bytes'),
    codes: 'weight',
    dtype: 'I8',
  }),
  'float-quantized': (weights: WeightArguments): Form => {
    const block = readBlock(weights);
    return {
      scheme: { weights: 'fp8', block, symmetric: true },
      codes: 'weight',
      dtype: 'F8_E4M3',
      parts: ['weight_zero_point'],
      linear: (parts) => fp8Linear(parts, block, 'weight_scale'),
    };
  },
  'nvfp4-pack-quantized': ({ bits, type }: WeightArguments): Form => {
    if (type !== 'float' || bits !== 4) throw unsupportedModel(`has ${bits}-bit weights of the type ${type}`);
    return {
      scheme: { weights: 'nvfp4', block: [1, 16], symmetric: true },
      codes: 'weight_packed',
      parts: ['weight_global_scale'],
      linear: (parts) => nvfp4Linear(parts, 'weight_global_scale', true),
    };
  },
};

/** `QuantizationArgs` (quantization/quant_args.py), as far as they decide how weights are stored. */
interface WeightArguments {
  readonly bits: 4 | 8;
  readonly type: string;
  readonly symmetric: boolean;
  readonly strategy: Json | undefined;
  readonly size: Json | undefined;
  readonly structure: Json | undefined;
  readonly order: Json | undefined;
}

function readWeights(group: Json): WeightArguments {
  const weights = isObject(group) ? group['weights'] : undefined;
  if (!isObject(weights)) throw unsupportedModel('has a group without weights');
  const { type, strategy, group_size: size, block_structure: structure, actorder: order } = weights;
  if (type !== 'int' && type !== 'float')
    throw unsupportedModel(`has weights of the type ${JSON.stringify(type)}`);
  const [bits, symmetric] = [readBits(weights['num_bits']), weights['symmetric'] !== false];
  return { bits, type, symmetric, strategy, size, structure, order };
}

function integerForm(weights: WeightArguments, layout: 'packed-in' | 'bytes'): Omit<Form, 'codes'> {
  const { bits, type, symmetric, order } = weights;
  if (type !== 'int') throw unsupportedModel(`has ${bits}-bit weights of the type ${type}`);
  const isOrdered = order === undefined || order === null || order === 'static' || order === 'weight';
  if (!isOrdered && order !== 'group')
    throw unsupportedModel(`has columns in the order ${JSON.stringify(order)}`);
  const group = readStrategy(weights);
  const form = { bits, group, layout, symmetric, isOrdered };
  return {
    scheme: { weights: bits === 4 ? 'int4' : 'int8', block: [1, group], symmetric },
    parts: ['weight_zero_point', 'weight_shape', 'weight_g_idx'],
    linear: (parts) => integerLinear(parts, form),
  };
}

function readStrategy({ strategy, size }: WeightArguments): number | null {
  if (strategy === 'channel' || (strategy === undefined && size === -1)) return null;
  const grouped = strategy === 'group' || strategy === undefined || strategy === null;
  if (grouped && size !== -1) return readGroup(size);
  throw unsupportedModel(`has scales of the strategy ${JSON.stringify(strategy)}`);
}

function readBlock({ bits, type, strategy, structure }: WeightArguments): Fp8Linear['block'] {
  if (type !== 'float' || bits !== 8) throw unsupportedModel(`has ${bits}-bit weights of the type ${type}`);
  if (strategy === 'tensor') return [null, null];
  if (strategy === 'channel') return [1, null];
  const [rows, columns] = Array.isArray(structure) && structure.length === 2 ? structure.map(readGroup) : [];
  if (strategy === 'block' && typeof rows === 'number' && typeof columns === 'number') return [rows, columns];
  throw unsupportedModel(`has scales of the strategy ${JSON.stringify(strategy)}`);
}

interface IntegerForm extends Pick<IntegerLinear, 'bits' | 'group'> {
  readonly layout: 'packed-in' | 'bytes';
  readonly symmetric: boolean;
  readonly isOrdered: boolean;
}

function integerLinear({ module, codes, part, optional }: LinearParts, form: IntegerForm): IntegerLinear {
  const { bits, group, layout, symmetric, isOrdered } = form;
  const scales = part('weight_scale');
  const zeros = symmetric ? undefined : part('weight_zero_point');
  const groupIndex = isOrdered ? optional('weight_g_idx') : part('weight_g_idx');
  const [rows = 0] = codes.shape;
  const columns = countColumns(codes, scales, form);
  const words = (size: number) => (layout === 'bytes' ? size : Math.ceil((size * bits) / 32));
  const integers = layout === 'bytes' ? 'I8' : 'I32';
  const groups = groupsOf(columns, group);
  const linear = { kind: 'integer', module, rows, columns, bits, group, layout, codes, scales } as const;
  checkParts(linear, [
    { tensor: codes, dtypes: [integers], shape: [rows, words(columns)] },
    { tensor: scales, dtypes: scaleDtypes, shape: [rows, groups] },
    { tensor: zeros, dtypes: [integers], shape: [words(rows), groups] },
    { tensor: groupIndex, dtypes: ['I32'], shape: [columns] },
  ]);
  return { ...linear, ...presentParts({ zeros, groupIndex }) };
}

/** A packed row may end in unused codes: scales of groups say where; a whole row is taken to fill its words. */
function countColumns(codes: WeightTensor, scales: WeightTensor, form: IntegerForm): number {
  const [, width = 0] = codes.shape;
  if (form.layout === 'bytes') return width;
  return form.group === null ? (width * 32) / form.bits : (scales.shape[1] ?? 0) * form.group;
}
