import type { SolveMethod } from '../../domain/solve-plan.ts';
import type { WeightTensor } from '../tensor.ts';

/** What takes up the inverse of the scales of a group's columns: a norm's weight, or the rows of a linear. */
export type Fold =
  | { readonly kind: 'vector'; readonly tensor: string }
  | { readonly kind: 'rows'; readonly module: string };

export interface FoldScene {
  readonly weights: ReadonlyMap<string, WeightTensor>;
  readonly method: SolveMethod['kind'];
  readonly solved: readonly string[];
}

/**
 * Where scales can hide without changing the model: both methods use the norms before attention and before the MLP; AWQ
 * also the rows of `up_proj` (its output is multiplied into what `down_proj` is given) and of `v_proj`, as long as it has
 * as many rows as `o_proj` has columns, which shared key and value heads do not (llm-awq, auto_scale.py). Null: nowhere.
 */
export function foldOf(modules: readonly string[], scene: FoldScene): Fold | null {
  const [module = ''] = modules;
  const dot = module.lastIndexOf('.') + 1;
  const [parent, name] = [module.slice(0, dot), module.slice(dot)];
  if (/^[qkv]_proj$/.test(name))
    return vector(parent.replace(/self_attn\.$/, 'input_layernorm.weight'), scene);
  if (/^(?:gate|up)_proj$/.test(name))
    return vector(parent.replace(/mlp\.$/, 'post_attention_layernorm.weight'), scene);
  if (scene.method !== 'awq') return null;
  if (name === 'down_proj') return rows(module, `${parent}up_proj`, scene);
  return name === 'o_proj' ? rows(module, `${parent}v_proj`, scene) : null;
}

function vector(tensor: string, { weights }: FoldScene): Fold | null {
  return weights.has(tensor) ? { kind: 'vector', tensor } : null;
}

/** A bias of the linear before would have to be scaled as well; then it stays as it is. */
function rows(module: string, before: string, { weights, solved }: FoldScene): Fold | null {
  const columns = weights.get(`${module}.weight`)?.shape[1];
  const fits = weights.get(`${before}.weight`)?.shape[0] === columns && !weights.has(`${before}.bias`);
  return fits && solved.includes(before) ? { kind: 'rows', module: before } : null;
}
