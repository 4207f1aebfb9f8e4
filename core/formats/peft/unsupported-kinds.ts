import { BuildFailure } from '../../domain/failures.ts';

interface Refusal {
  readonly field: string;
  readonly isSet: (value: unknown) => boolean;
  readonly reason: string;
}

const isOn = (value: unknown): boolean => value === true;
const isGiven = (value: unknown): boolean =>
  value !== undefined && value !== null && value !== false && !isEmptyCollection(value);

function isEmptyCollection(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

/**
 * Fields of peft's `LoraConfig` that change what merging means. Each is refused by name until it is implemented:
 * passing over one would give a wrong model without a word.
 */
const refusals: readonly Refusal[] = [
  { field: 'peft_type', isSet: (value) => value !== 'LORA', reason: 'only LORA can be merged' },
  { field: 'use_qalora', isSet: isOn, reason: 'QA-LoRA pools its input in groups' },
  { field: 'use_bdlora', isSet: isGiven, reason: 'block-diagonal LoRA has another shape' },
  {
    field: 'bias',
    isSet: (value) => isGiven(value) && value !== 'none' && value !== 'all' && value !== 'lora_only',
    reason: 'only none, all and lora_only are known',
  },
  { field: 'layer_replication', isSet: isGiven, reason: 'it changes the number of layers' },
  {
    field: 'alora_invocation_tokens',
    isSet: isGiven,
    reason: 'it acts from a token on and has no merged form',
  },
  { field: 'arrow_config', isSet: isGiven, reason: 'it chooses between adapters at run time' },
  { field: 'megatron_config', isSet: isGiven, reason: 'Megatron layers are split over processes' },
  { field: 'kasa_config', isSet: isGiven, reason: 'KaSA is another decomposition' },
  { field: 'monteclora_config', isSet: isGiven, reason: 'MonteCLoRA samples at run time' },
  { field: 'velora_config', isSet: isGiven, reason: 'VeLoRA is another decomposition' },
  {
    field: 'init_lora_weights',
    isSet: (value) => typeof value === 'string' && /^(?:pissa|olora|corda|loftq|lora_ga)/i.test(value),
    reason: 'such an adapter belongs to a base that was changed before training',
  },
];

/** AdapterUnsupported naming the first field that stands in the way. */
export function refuseUnsupportedAdapter(config: { readonly [field: string]: unknown }, file: string): void {
  const refusal = refusals.find(({ field, isSet }) => isSet(config[field]));
  if (refusal === undefined) return;
  const { field, reason } = refusal;
  throw new BuildFailure(
    'AdapterUnsupported',
    `${file} has ${field} ${JSON.stringify(config[field])}: ${reason}`,
    {
      details: { field, value: config[field] },
    },
  );
}
