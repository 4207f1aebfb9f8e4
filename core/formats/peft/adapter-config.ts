import { BuildFailure } from '../../domain/failures.ts';
import { refuseUnsupportedAdapter } from './unsupported-kinds.ts';
import { modulePattern, type ModulePattern } from './module-pattern.ts';
import { readTrainedTokens, type TrainedTokens } from './trained-tokens.ts';

/** What merging needs of `adapter_config.json` (peft `LoraConfig`). */
export interface AdapterConfig {
  readonly baseModel: string | undefined;
  readonly rank: number;
  readonly alpha: number;
  /** Scale by alpha / √r instead of alpha / r (rank-stabilised LoRA, arXiv 2312.03732). */
  readonly usesRsLora: boolean;
  /** Rows are rescaled to trained lengths (arXiv 2402.09353). */
  readonly usesDora: boolean;
  /** The base stores its weight [in, out] (GPT-2's Conv1D). */
  readonly fanInFanOut: boolean;
  readonly rankPatterns: readonly ModulePattern[];
  readonly alphaPatterns: readonly ModulePattern[];
  /** Ends of the names of modules whose tensors are replaced whole. */
  readonly modulesToSave: readonly string[];
  /** Biases of the base were trained, so that the adapter's take their place. */
  readonly trainsBiases: boolean;
  readonly trainedTokens: readonly TrainedTokens[];
  /** Fused expert parameters that are adapted without a module of their own. */
  readonly targetParameters: readonly string[];
  /** Module names; absent when the config has a pattern or a keyword instead. */
  readonly targetModules: readonly string[] | undefined;
  /** The adapter kept the output layer tied to the embedding. */
  readonly keepsTying: boolean;
}

type Fields = { readonly [key: string]: unknown };

/** Validates a parsed `adapter_config.json`. AdapterUnsupported for kinds that cannot be merged here, by name. */
export function readAdapterConfig(value: unknown, file: string): AdapterConfig {
  if (!isFields(value)) throw invalid(file, 'is no JSON object');
  refuseUnsupportedAdapter(value, file);
  const rank = value['r'];
  const alpha = value['lora_alpha'];
  if (typeof rank !== 'number' || !Number.isSafeInteger(rank) || rank < 1)
    throw invalid(file, `has the rank r ${JSON.stringify(rank)}`);
  if (typeof alpha !== 'number' || !Number.isFinite(alpha))
    throw invalid(file, `has the lora_alpha ${JSON.stringify(alpha)}`);
  const base = value['base_model_name_or_path'];
  const targets = value['target_modules'];
  return {
    baseModel: typeof base === 'string' ? base : undefined,
    rank,
    alpha,
    usesRsLora: value['use_rslora'] === true,
    usesDora: value['use_dora'] === true,
    fanInFanOut: value['fan_in_fan_out'] === true,
    rankPatterns: readPatterns(value['rank_pattern'], { file, key: 'rank_pattern' }),
    alphaPatterns: readPatterns(value['alpha_pattern'], { file, key: 'alpha_pattern' }),
    modulesToSave: readNames(value['modules_to_save'], file),
    trainsBiases: value['bias'] === 'all' || value['bias'] === 'lora_only',
    trainedTokens: readTrainedTokens(value['trainable_token_indices'], file),
    targetParameters: readNames(value['target_parameters'], file),
    targetModules: Array.isArray(targets) ? readNames(targets, file) : undefined,
    keepsTying: value['ensure_weight_tying'] === true,
  };
}

/** alpha / r or alpha / √r of one module, with the patterns that override r and alpha (peft `get_pattern_key`). */
export function scaleOf(
  config: AdapterConfig,
  module: string,
): { readonly rank: number; readonly scale: number } {
  const rank = valueFor(config.rankPatterns, module) ?? config.rank;
  const alpha = valueFor(config.alphaPatterns, module) ?? config.alpha;
  return { rank, scale: config.usesRsLora ? alpha / Math.sqrt(rank) : alpha / rank };
}

function valueFor(patterns: readonly ModulePattern[], module: string): number | undefined {
  return patterns.find((pattern) => pattern.matches(module))?.value;
}

function readPatterns(value: unknown, place: { file: string; key: string }): ModulePattern[] {
  if (value === undefined || value === null) return [];
  if (!isFields(value)) throw invalid(place.file, `has a ${place.key} that is no JSON object`);
  return Object.entries(value).map(([pattern, number]) => {
    if (typeof number !== 'number' || !Number.isFinite(number) || number <= 0) {
      throw invalid(place.file, `has ${JSON.stringify(number)} for ${pattern} in ${place.key}`);
    }
    return modulePattern(pattern, number, place.file);
  });
}

function readNames(value: unknown, file: string): string[] {
  if (value === undefined || value === null) return [];
  const names = Array.isArray(value) ? value.filter((name): name is string => typeof name === 'string') : [];
  if (!Array.isArray(value) || names.length !== value.length)
    throw invalid(file, 'has a list of modules that is no list of names');
  return names;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(file: string, problem: string): BuildFailure {
  return new BuildFailure('AdapterUnsupported', `${file} ${problem}`, {
    hint: 'Check that the file comes from peft.',
  });
}
