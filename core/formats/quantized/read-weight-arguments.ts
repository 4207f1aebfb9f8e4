import { BuildFailure } from '../../domain/failures.ts';
import type { Json, JsonObject } from '../../domain/json.ts';

/** How compressed-tensors says that weights are quantized (`QuantizationArgs`, quantization/quant_args.py). */
export interface WeightArguments {
  readonly format: 'pack-quantized' | 'int-quantized';
  readonly bits: 4 | 8;
  /** Columns that share a scale, null for the whole row. */
  readonly group: number | null;
  readonly symmetric: boolean;
}

/** `quantization_config` of a parsed config.json, or undefined when the model is not quantized. */
export function quantizationConfigOf(config: Json): JsonObject | undefined {
  if (!isObject(config)) return undefined;
  const places = [config, ...(isObject(config['text_config']) ? [config['text_config']] : [])];
  return places
    .flatMap((place) => [place['quantization_config'], place['compression_config']])
    .find((value) => isObject(value));
}

/**
 * Reads how the integer weights of a compressed-tensors model are stored. WeightsUnsupported for another method or
 * format, and for groups of modules that differ: none of our tools writes such a model.
 */
export function readWeightArguments(config: Json): WeightArguments {
  const quantization = quantizationConfigOf(config);
  if (quantization === undefined) throw unsupported('has no quantization_config');
  const method = quantization['quant_method'];
  if (method !== 'compressed-tensors') throw unsupported(`is quantized by ${JSON.stringify(method)}`);
  const { format, config_groups: groups } = quantization;
  if (format !== 'pack-quantized' && format !== 'int-quantized')
    throw unsupported(`has weights in the format ${JSON.stringify(format)}`);
  const [first, ...others] = Object.values(isObject(groups) ? groups : {}).map((group) => readGroup(group));
  if (first === undefined) throw unsupported('has no config_groups');
  if (others.some((other) => JSON.stringify(other) !== JSON.stringify(first)))
    throw unsupported('has modules that are quantized in different ways');
  return { format, ...first };
}

function readGroup(group: Json): Omit<WeightArguments, 'format'> {
  const weights = isObject(group) ? group['weights'] : undefined;
  if (!isObject(weights)) throw unsupported('has a group without weights');
  const { num_bits: bits, type, symmetric, strategy, group_size: size, actorder } = weights;
  if (type !== 'int' || (bits !== 4 && bits !== 8))
    throw unsupported(`has ${JSON.stringify(bits)}-bit weights of the type ${JSON.stringify(type)}`);
  if (actorder !== undefined && actorder !== null && actorder !== 'static' && actorder !== 'weight')
    throw unsupported('has groups that are spread over the columns (actorder)');
  return { bits, group: readGroupSize(strategy, size), symmetric: symmetric !== false };
}

function readGroupSize(strategy: Json | undefined, size: Json | undefined): number | null {
  if (strategy === 'channel' || (strategy === undefined && size === -1)) return null;
  const grouped = strategy === 'group' || strategy === undefined || strategy === null;
  if (grouped && typeof size === 'number' && Number.isSafeInteger(size) && size > 0) return size;
  throw unsupported(`has scales of the strategy ${JSON.stringify(strategy)}`);
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function unsupported(problem: string): BuildFailure {
  return new BuildFailure('WeightsUnsupported', `config.json: the model ${problem}`);
}
