import { BuildFailure } from '../../domain/failures.ts';
import type { WeightTensor } from '../tensor.ts';
import type { AdapterConfig } from './adapter-config.ts';
import { readAdapterKey, type AdapterKey, type PairPart } from './adapter-keys.ts';

/** An adapter as it was opened: its config, its tensors and the weight it is merged with. */
export interface Adapter {
  /** For messages: the folder's name. */
  readonly label: string;
  readonly config: AdapterConfig;
  readonly tensors: readonly WeightTensor[];
  /** Multiplies the scale; 1 is plain merging. */
  readonly weight: number;
}

/** A low-rank change of one module. */
export interface LoraPair {
  /** Path of the module inside the base model. */
  readonly module: string;
  readonly of: 'linear' | 'embedding';
  /** [rank, in]; [rank, vocabulary] of an embedding. */
  readonly a: WeightTensor;
  /** [out, rank]; [width, rank] of an embedding. */
  readonly b: WeightTensor;
  /** Added to the bias as B A is to the weight, [out]. */
  readonly bias?: WeightTensor;
  /** DoRA: trained lengths, [out]; [width] of an embedding. */
  readonly magnitude?: WeightTensor;
}

export interface TrainedRows {
  readonly module: string;
  /** [rows, width]: finished rows. */
  readonly tensor: WeightTensor;
  readonly rows: readonly number[];
}

export interface AdapterContent {
  readonly pairs: readonly LoraPair[];
  /** Base tensor name → the trained tensor that takes its place. */
  readonly replacements: ReadonlyMap<string, WeightTensor>;
  /** Base tensor name → the tensor the adapter was trained on. */
  readonly baseLayers: ReadonlyMap<string, WeightTensor>;
  readonly rows: readonly TrainedRows[];
}

type Parts = { readonly [part in PairPart]?: WeightTensor } & { readonly of?: 'linear' | 'embedding' };

/**
 * Sorts an adapter's keys. Every key must be understood: AdapterMismatch for keys without a meaning, for halves of pairs
 * and for kinds that the config does not announce.
 */
export function sortAdapterTensors(adapter: Adapter): AdapterContent {
  const modules = new Map<string, Parts>();
  const replacements = new Map<string, WeightTensor>();
  const baseLayers = new Map<string, WeightTensor>();
  const rows: TrainedRows[] = [];
  for (const { key, tensor } of readKeys(adapter)) {
    if (key.kind === 'part') {
      const of = key.of ?? modules.get(key.module)?.of;
      modules.set(key.module, { ...modules.get(key.module), [key.part]: tensor, ...(of ? { of } : {}) });
    } else if (key.kind === 'replacement') replacements.set(key.name, tensor);
    else if (key.kind === 'base-layer') baseLayers.set(key.name, tensor);
    else if (key.kind === 'rows') rows.push({ module: key.module, rows: key.rows, tensor });
  }
  const pairs = [...modules].map(([module, parts]) => pairOf(module, parts, adapter));
  if (pairs.length + replacements.size + rows.length === 0) throw mismatch(adapter, 'has no tensors');
  return { pairs, replacements, baseLayers, rows };
}

function readKeys(adapter: Adapter): { readonly key: AdapterKey; readonly tensor: WeightTensor }[] {
  const context = { config: adapter.config, names: new Set(adapter.tensors.map(({ name }) => name)) };
  return adapter.tensors.map((tensor) => {
    const key = readAdapterKey(tensor.name, context);
    if (key !== undefined) return { key, tensor };
    throw mismatch(adapter, `has the key ${tensor.name}, which belongs to no adapted and no saved module`);
  });
}

function pairOf(module: string, { a, b, bias, magnitude, of = 'linear' }: Parts, adapter: Adapter): LoraPair {
  const [first, second] = of === 'linear' ? ['lora_A', 'lora_B'] : ['lora_embedding_A', 'lora_embedding_B'];
  if (a === undefined) throw mismatch(adapter, `has ${second} but no ${first} for ${module}`);
  if (b === undefined) throw mismatch(adapter, `has ${first} but no ${second} for ${module}`);
  if (adapter.config.usesDora !== (magnitude !== undefined)) {
    const [says, has] = adapter.config.usesDora ? ['use_dora', 'no'] : ['no use_dora', 'a'];
    throw mismatch(adapter, `has ${says} in its config, but ${has} lora_magnitude_vector for ${module}`);
  }
  return {
    module,
    of,
    a,
    b,
    ...(bias === undefined ? {} : { bias }),
    ...(magnitude === undefined ? {} : { magnitude }),
  };
}

export function mismatch(adapter: Adapter, problem: string): BuildFailure {
  return new BuildFailure('AdapterMismatch', `${adapter.label} ${problem}`, {
    details: { adapter: adapter.label },
  });
}
