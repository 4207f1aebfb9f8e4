import { BuildFailure } from '../../domain/failures.ts';
import type { AdapterConfig } from './adapter-config.ts';
import { rowsFor } from './trained-tokens.ts';

/** The parts of one adapted module; each key of an adapter file is one of them, or a whole tensor. */
export type PairPart = 'a' | 'b' | 'bias' | 'magnitude';

export type AdapterKey =
  | {
      readonly kind: 'part';
      readonly part: PairPart;
      readonly module: string;
      readonly of: 'linear' | 'embedding' | undefined;
    }
  /** A trained tensor that takes the place of the base's. */
  | { readonly kind: 'replacement'; readonly name: string }
  /** The base's own tensor, saved with the adapter because it may have got new rows. */
  | { readonly kind: 'base-layer'; readonly name: string }
  | { readonly kind: 'rows'; readonly module: string; readonly rows: readonly number[] }
  /** A second copy of what stands elsewhere. */
  | { readonly kind: 'copy' };

/** What peft puts in front of every key (peft utils/save_and_load.py). */
const prefix = 'base_model.model.';

const partKeys: readonly {
  readonly pattern: RegExp;
  readonly part: PairPart;
  readonly of?: 'linear' | 'embedding';
}[] = [
  { pattern: /^(.+)\.lora_A\.weight$/, part: 'a', of: 'linear' },
  { pattern: /^(.+)\.lora_B\.weight$/, part: 'b', of: 'linear' },
  { pattern: /^(.+)\.lora_B\.bias$/, part: 'bias', of: 'linear' },
  { pattern: /^(.+)\.lora_embedding_A(?:\.weight)?$/, part: 'a', of: 'embedding' },
  { pattern: /^(.+)\.lora_embedding_B(?:\.weight)?$/, part: 'b', of: 'embedding' },
  { pattern: /^(.+)\.lora_magnitude_vector(?:\.weight)?$/, part: 'magnitude' },
];

export interface KeyContext {
  readonly config: AdapterConfig;
  /** Every key of the file. */
  readonly names: ReadonlySet<string>;
}

/** What a key of an adapter file means; undefined when it has no meaning. AdapterUnsupported when config and key differ. */
export function readAdapterKey(key: string, context: KeyContext): AdapterKey | undefined {
  if (!key.startsWith(prefix)) return undefined;
  const path = key.slice(prefix.length);
  return readPart(path) ?? readRows(path, context) ?? readWhole(path, context);
}

function readPart(path: string): AdapterKey | undefined {
  for (const { pattern, part, of } of partKeys) {
    const module = pattern.exec(path)?.[1];
    if (module !== undefined) return { kind: 'part', part, module, of };
  }
  return undefined;
}

/** Despite its name the tensor holds finished rows, no differences (peft tuners/trainable_tokens/layer.py). */
function readRows(path: string, { config }: KeyContext): AdapterKey | undefined {
  const match = /^(.+?)(?:\.token_adapter)?\.trainable_tokens_(delta|original)$/.exec(path);
  const module = match?.[1];
  if (module === undefined) return undefined;
  if (match?.[2] === 'original') return { kind: 'copy' };
  const rows = rowsFor(config.trainedTokens, module);
  if (rows !== undefined) return { kind: 'rows', module, rows };
  throw new BuildFailure(
    'AdapterMismatch',
    `the adapter has trained rows of ${module}, but its trainable_token_indices do not say which`,
  );
}

const wholeKey = /^(.+?)(?:\.(modules_to_save|original_module|base_layer)(?:\.default)?)?\.(weight|bias)$/;

/** A whole tensor: of a saved module, a trained bias, or the base's own. Names are compared by their ends, as in peft. */
function readWhole(path: string, { config, names }: KeyContext): AdapterKey | undefined {
  const [, module, wrapper, parameter] = wholeKey.exec(path) ?? [];
  if (module === undefined) return undefined;
  const whole = { name: `${module}.${parameter}`, wrapper };
  if (config.modulesToSave.some((saved) => module.endsWith(saved)))
    return readSaved(whole, names.has(`${prefix}${whole.name}`));
  const isTrained = parameter === 'bias' && config.trainsBiases;
  if (isTrained && wrapper !== 'modules_to_save') return { kind: 'replacement', name: whole.name };
  return wrapper === 'base_layer' ? { kind: 'base-layer', name: whole.name } : undefined;
}

interface Whole {
  readonly name: string;
  readonly wrapper: string | undefined;
}

/**
 * peft may write three names for one tensor of modules_to_save: M.weight, which is what gets loaded, a copy under
 * M.modules_to_save and the untrained M.original_module.
 */
function readSaved({ name, wrapper }: Whole, hasPlainName: boolean): AdapterKey {
  const isCopy = wrapper === 'original_module' || (wrapper === 'modules_to_save' && hasPlainName);
  if (isCopy) return { kind: 'copy' };
  return { kind: wrapper === 'base_layer' ? 'base-layer' : 'replacement', name };
}
