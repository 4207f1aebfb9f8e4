import { readAwqForm } from './awq-reader.ts';
import { readCompressedForm } from './compressed-tensors-reader.ts';
import { readFp8Form, readModelOptForm } from './foreign-readers.ts';
import { readGptqForm } from './gptq-reader.ts';
import type { FormReader } from './stored-form.ts';

/** Whose folders can be read, by `quant_method`. Every layout of `quantizedFormats` is among them. */
export const formReaders: { readonly [method: string]: FormReader } = {
  'compressed-tensors': readCompressedForm,
  gptq: readGptqForm,
  awq: readAwqForm,
  fp8: readFp8Form,
  modelopt: readModelOptForm,
};
