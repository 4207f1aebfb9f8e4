import { BuildFailure } from '../../domain/failures.ts';

type Fields = { readonly [field: string]: unknown };

/**
 * Fields of peft's `LoraConfig` (0.21) that merging reads, or that say nothing about what is merged: who made the adapter,
 * how it was trained, what it was begun with. `init_lora_weights` decides whether the four *_config of beginnings matter.
 */
const known: ReadonlySet<string> = new Set(
  [
    'peft_type base_model_name_or_path r lora_alpha use_rslora use_dora fan_in_fan_out rank_pattern alpha_pattern bias',
    'lora_bias modules_to_save trainable_token_indices target_modules exclude_modules target_parameters',
    'layers_to_transform layers_pattern init_lora_weights eva_config corda_config loftq_config lora_ga_config',
    'ensure_weight_tying lora_dropout task_type auto_mapping peft_version revision',
    // Switches of the training or loading process; the last two only count beside megatron_config and use_qalora.
    'inference_mode merge_weights runtime_config megatron_core qalora_group_size',
  ].flatMap((names) => names.split(' ')),
);

/** Why a field that peft knows stands in the way. */
const reasons: { readonly [field: string]: string } = {
  use_qalora: 'QA-LoRA pools its input in groups',
  use_bdlora: 'block-diagonal LoRA has another shape',
  layer_replication: 'it changes the number of layers',
  alora_invocation_tokens: 'it acts from a token on and has no merged form',
  arrow_config: 'it chooses between adapters at run time',
  megatron_config: 'Megatron layers are split over processes',
  kasa_config: 'KaSA is another decomposition',
  monteclora_config: 'MonteCLoRA samples at run time',
  velora_config: 'VeLoRA is another decomposition',
};

/** Values that a known field must have. */
const accepted: {
  readonly [field: string]: { readonly accepts: (value: unknown) => boolean; reason: string };
} = {
  peft_type: { accepts: (value) => value === 'LORA', reason: 'only LORA can be merged' },
  bias: {
    accepts: (value) => !isSet(value) || value === 'none' || value === 'all' || value === 'lora_only',
    reason: 'only none, all and lora_only are known',
  },
  // The others (pissa, olora, corda, loftq, lora_ga) change the base before training; converted ones say true.
  init_lora_weights: {
    accepts: (value) =>
      !isSet(value) || value === true || ['gaussian', 'eva', 'orthogonal'].includes(String(value)),
    reason: 'such an adapter belongs to a base that was changed before training',
  },
};

/**
 * AdapterUnsupported naming the first field that is set and not known to be harmless: passing over one could give a wrong
 * model without a word.
 */
export function refuseUnsupportedAdapter(config: Fields, file: string): void {
  for (const [field, { accepts, reason }] of Object.entries(accepted))
    if (!accepts(config[field])) throw unsupported({ file, field, value: config[field] }, reason);
  for (const [field, value] of Object.entries(config)) {
    if (known.has(field) || !isSet(value)) continue;
    throw unsupported({ file, field, value }, reasons[field] ?? 'this version does not know what it changes');
  }
}

/** peft writes every field into every config, most of them as null, false or empty. */
function isSet(value: unknown): boolean {
  const isEmpty = typeof value === 'object' && value !== null && Object.keys(value).length === 0;
  return value !== undefined && value !== null && value !== false && value !== '' && !isEmpty;
}

interface Setting {
  readonly file: string;
  readonly field: string;
  readonly value: unknown;
}

function unsupported({ file, field, value }: Setting, reason: string): BuildFailure {
  const shown = (JSON.stringify(value) ?? 'nothing').slice(0, 200);
  return new BuildFailure('AdapterUnsupported', `${file} has ${field} ${shown}: ${reason}`, {
    details: { field, value },
  });
}
