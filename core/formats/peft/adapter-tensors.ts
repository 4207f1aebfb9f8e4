import { BuildFailure } from '../../domain/failures.ts';
import type { WeightTensor } from '../tensor.ts';
import type { AdapterConfig } from './adapter-config.ts';

/** An adapter as it was opened: its config, its tensors and the weight it is merged with. */
export interface Adapter {
  /** For messages: the folder's name. */
  readonly label: string;
  readonly config: AdapterConfig;
  readonly tensors: readonly WeightTensor[];
  /** Multiplies the scale; 1 is plain merging. */
  readonly weight: number;
}

export interface LoraPair {
  /** Path of the module inside the base model. */
  readonly module: string;
  /** [rank, in]. */
  readonly a: WeightTensor;
  /** [out, rank]. */
  readonly b: WeightTensor;
}

export interface AdapterContent {
  readonly pairs: readonly LoraPair[];
  /** Base tensor name → the tensor that takes its place. */
  readonly replacements: ReadonlyMap<string, WeightTensor>;
}

/** What peft puts in front of every key (peft utils/save_and_load.py). */
const prefix = 'base_model.model.';

/** Key endings whose meaning is known and not implemented; passing over them would give a wrong model. */
const unsupportedKeys: readonly { readonly pattern: RegExp; readonly what: string }[] = [
  { pattern: /\.lora_embedding_[AB]$/, what: 'an embedding adapter' },
  { pattern: /\.lora_magnitude_vector(?:\.weight)?$/, what: 'a DoRA magnitude' },
  { pattern: /\.lora_B\.bias$/, what: 'a bias of lora_B' },
  { pattern: /\.base_layer\.(?:weight|bias)$/, what: 'a base weight saved with the adapter' },
  { pattern: /(?:^|\.)trainable_tokens_(?:delta|original)$/, what: 'single trained embedding rows' },
];

/**
 * Sorts an adapter's keys into LoRA pairs and replaced tensors. Every key must be understood: AdapterUnsupported for
 * known kinds that are not merged, AdapterMismatch for keys without a meaning and for halves of pairs.
 */
export function sortAdapterTensors(adapter: Adapter): AdapterContent {
  const halves = new Map<string, { a?: WeightTensor; b?: WeightTensor }>();
  const replacements = new Map<string, WeightTensor>();
  for (const tensor of adapter.tensors) {
    const key = readKey(tensor.name, adapter);
    if (key.kind === 'a' || key.kind === 'b')
      halves.set(key.module, { ...halves.get(key.module), [key.kind]: tensor });
    else if (key.kind === 'replacement') replacements.set(key.name, tensor);
  }
  const pairs = [...halves].map(([module, { a, b }]) => {
    if (a !== undefined && b !== undefined) return { module, a, b };
    throw mismatch(
      adapter,
      `has lora_${a === undefined ? 'B' : 'A'} but no lora_${a === undefined ? 'A' : 'B'} for ${module}`,
    );
  });
  if (pairs.length === 0 && replacements.size === 0) throw mismatch(adapter, 'has no tensors');
  return { pairs, replacements };
}

type AdapterKey =
  | { readonly kind: 'a' | 'b'; readonly module: string }
  | { readonly kind: 'replacement'; readonly name: string }
  | { readonly kind: 'copy' };

function readKey(key: string, adapter: Adapter): AdapterKey {
  const refusal = unsupportedKeys.find(({ pattern }) => pattern.test(key));
  if (refusal !== undefined) {
    throw new BuildFailure(
      'AdapterUnsupported',
      `${adapter.label} has ${refusal.what} (${key}), which cannot be merged`,
      {
        details: { adapter: adapter.label, key },
      },
    );
  }
  const path = key.startsWith(prefix) ? key.slice(prefix.length) : undefined;
  const lora = path === undefined ? null : /^(.+)\.lora_([AB])\.weight$/.exec(path);
  if (lora?.[1] !== undefined) return { kind: lora[2] === 'A' ? 'a' : 'b', module: lora[1] };
  const saved = path === undefined ? undefined : readSavedKey(path, adapter);
  if (saved !== undefined) return saved;
  throw mismatch(adapter, `has the key ${key}, which belongs to no adapted and no saved module`);
}

/**
 * For a module in modules_to_save peft may write three names for one tensor: M.weight, which is what gets loaded, a copy
 * under M.modules_to_save and the untrained M.original_module.
 */
function readSavedKey(path: string, adapter: Adapter): AdapterKey | undefined {
  const match = /^(.+?)(?:\.(modules_to_save|original_module)(?:\.default)?)?\.(weight|bias)$/.exec(path);
  const [, module, wrapper, parameter] = match ?? [];
  if (
    module === undefined ||
    !adapter.config.modulesToSave.some((saved) => module === saved || module.endsWith(`.${saved}`))
  ) {
    return undefined;
  }
  const name = `${module}.${parameter}`;
  if (wrapper === 'original_module') return { kind: 'copy' };
  const hasPlain = adapter.tensors.some((tensor) => tensor.name === `${prefix}${name}`);
  return wrapper === 'modules_to_save' && hasPlain ? { kind: 'copy' } : { kind: 'replacement', name };
}

export function mismatch(adapter: Adapter, problem: string): BuildFailure {
  return new BuildFailure('AdapterMismatch', `${adapter.label} ${problem}`, {
    details: { adapter: adapter.label },
  });
}
