import { BuildFailure } from '../../domain/failures.ts';

/** Architectures of transformers whose linear layers are `Conv1D`, with the weight stored [in, out]. */
const conv1dArchitectures: ReadonlySet<string> = new Set([
  'gpt2',
  'openai-gpt',
  'imagegpt',
  'decision_transformer',
]);
const conv1dModule = /(?:^|\.)(?:c_attn|q_attn|c_proj|c_fc)$/;

export interface OrientedModule {
  readonly module: string;
  /** fan_in_fan_out of the adapter. */
  readonly flag: boolean;
  /** `model_type` of the base's config. */
  readonly modelType: string | undefined;
  /** [rows, columns] of the base's weight. */
  readonly base: readonly number[];
  /** [rows, columns] of B A. */
  readonly delta: readonly [number, number];
}

/**
 * Whether B A is transposed before it is added; undefined when it fits neither way. The shapes correct a wrong flag, as
 * peft's own loader does by the class of the layer. A square weight shows no direction: the architecture decides it, and
 * without one a flag that asks for transposing is AdapterUnsupported.
 */
export function transposes({ module, flag, modelType, base, delta }: OrientedModule): boolean | undefined {
  const fits = (transpose: boolean): boolean => {
    const [rows, columns] = transpose ? delta.toReversed() : delta;
    return base[0] === rows && base[1] === columns;
  };
  if (fits(true) !== fits(false)) return fits(true);
  if (!fits(flag)) return undefined;
  if (modelType !== undefined) return conv1dArchitectures.has(modelType) && conv1dModule.test(module);
  if (!flag) return false;
  throw new BuildFailure(
    'AdapterUnsupported',
    `The weight of ${module} is square and the adapter has fan_in_fan_out, but the base has no config.json that tells which way it is stored`,
  );
}
