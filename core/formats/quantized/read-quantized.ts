import { BuildFailure } from '../../domain/failures.ts';
import type { Json } from '../../domain/json.ts';
import type { WeightTensor } from '../tensor.ts';
import { quantizationConfigOf } from './config-file.ts';
import type { QuantizedLinear, QuantizedModel } from './quantized-linear.ts';
import { formReaders } from './readers.ts';
import { corruptLinear, type LinearParts, type StoredForm, unsupportedModel } from './stored-form.ts';

/**
 * Describes the linears of a quantized model. `tensors` as an opened folder lists them, `config` the parsed config.json.
 * WeightsUnsupported for a method or form that is not read; WeightsCorrupt for a linear with a part missing or of a shape
 * that does not fit the others.
 */
export function readQuantizedLinears(tensors: readonly WeightTensor[], config: Json): QuantizedModel {
  const form = readForm(config);
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const linears: QuantizedLinear[] = [];
  const taken = new Set<string>();
  for (const codes of tensors) {
    const module = moduleOfCodes(codes, form);
    if (module === undefined) continue;
    linears.push(form.linear(partsOf(module, codes, byName)));
    for (const part of [form.codes, ...form.parts]) taken.add(`${module}.${part}`);
  }
  if (linears.length === 0)
    throw new BuildFailure('WeightsCorrupt', 'No tensor of the quantized model holds codes');
  return { scheme: form.scheme, linears, others: tensors.filter(({ name }) => !taken.has(name)) };
}

function readForm(config: Json): StoredForm {
  const quantization = quantizationConfigOf(config);
  if (quantization === undefined) throw unsupportedModel('has no quantization_config');
  const method = quantization['quant_method'];
  const read =
    typeof method === 'string' && Object.hasOwn(formReaders, method) ? formReaders[method] : undefined;
  if (read === undefined) throw unsupportedModel(`is quantized by ${JSON.stringify(method)}`);
  return read(quantization);
}

/** The module that a tensor holds the codes of, if it does. */
function moduleOfCodes({ name, dtype }: WeightTensor, form: StoredForm): string | undefined {
  const ending = `.${form.codes}`;
  if (!name.endsWith(ending) || (form.dtype !== undefined && dtype !== form.dtype)) return undefined;
  return name.slice(0, -ending.length);
}

function partsOf(
  module: string,
  codes: WeightTensor,
  byName: ReadonlyMap<string, WeightTensor>,
): LinearParts {
  const optional = (name: string): WeightTensor | undefined => {
    const tensor = byName.get(`${module}.${name}`);
    return tensor === undefined ? undefined : asStored(tensor);
  };
  const part = (name: string): WeightTensor => {
    const tensor = optional(name);
    if (tensor === undefined) throw corruptLinear(module, `has no ${name}`);
    return tensor;
  };
  return { module, codes: asStored(codes), part, optional };
}

/** Codes are read in the order of the file, which is not that of a view's items. */
function asStored(tensor: WeightTensor): WeightTensor {
  if (tensor.strides === undefined) return tensor;
  throw new BuildFailure(
    'WeightsUnsupported',
    `tensor ${tensor.name} is a view; convert it to safetensors first`,
    {
      details: { tensor: tensor.name },
    },
  );
}
