import { readModelShape } from '../../catalog/families/model-shape.ts';
import { familyOf } from '../../catalog/families/registry.ts';
import { BuildFailure } from '../../domain/failures.ts';
import type { Json } from '../../domain/json.ts';
import { isEmbedding, isOutputLayer } from '../embedding-names.ts';
import type { QuantizedModules } from './format.ts';
import { isMeant } from './module-patterns.ts';

/**
 * The linears of a model by its family's declaration: every matrix but embedding and output layer. Those that a pattern
 * excludes are kept as they are, like the output layer. Throws FamilyUnsupported, and UsageInvalid for a pattern that
 * means no linear, because nobody writes one for nothing.
 */
export function listLinearModules(config: Json, exclude: readonly string[]): QuantizedModules {
  const shape = readModelShape(config);
  const linears = familyOf(shape.architecture)
    .tensors(shape)
    .filter(({ name, shape: size }) => size.length === 2 && !isEmbedding(name) && !isOutputLayer(name))
    .map(({ name }) => name.replace(/\.weight$/, ''));
  const idle = exclude.find((pattern) => !linears.some((module) => isMeant(module, pattern)));
  if (idle !== undefined)
    throw new BuildFailure('UsageInvalid', `No linear of the model is meant by '${idle}'`, {
      hint: `Linears are called like ${linears[0] ?? 'model.layers.0.self_attn.q_proj'}; * stands for anything.`,
    });
  const isExcluded = (module: string) => exclude.some((pattern) => isMeant(module, pattern));
  const quantized = linears.filter((module) => !isExcluded(module));
  if (quantized.length === 0) throw new BuildFailure('UsageInvalid', 'Every linear of the model is excluded');
  return { quantized, kept: ['lm_head', ...linears.filter(isExcluded)] };
}

// Linears that vLLM and SGLang run as one (`packed_modules_mapping`).
const fused = [
  ['q_proj', 'k_proj', 'v_proj'],
  ['gate_proj', 'up_proj'],
] as const;

/** The linears that engines run as one with this one, itself among them; only itself where there are none. */
export function fusedWith(module: string): readonly string[] {
  const dot = module.lastIndexOf('.') + 1;
  const own = module.slice(dot);
  const names = fused.find((group) => group.some((name) => name === own)) ?? [own];
  return names.map((name) => module.slice(0, dot) + name);
}

/** A sentence for each set of linears that engines fuse and of which only some are quantized. */
export function warnAboutSplitModules({ quantized }: QuantizedModules): string[] {
  const all = new Set(quantized);
  const split = quantized
    .map((module) => ({ module, missing: fusedWith(module).find((other) => !all.has(other)) }))
    .find(({ missing }) => missing !== undefined);
  if (split === undefined) return [];
  return [
    `${split.module} is quantized and ${split.missing} is not: vLLM and SGLang run them as one and refuse such a model`,
  ];
}
