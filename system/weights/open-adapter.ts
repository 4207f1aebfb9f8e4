import { basename, join } from 'node:path';
import { BuildFailure } from '../../core/domain/failures.ts';
import { readAdapterConfig } from '../../core/formats/peft/adapter-config.ts';
import type { Adapter } from '../../core/formats/peft/adapter-tensors.ts';
import { readJson } from './companions.ts';
import { openWeights } from './open-weights.ts';

export interface AdapterChoice {
  readonly folder: string;
  /** 1 is plain merging. */
  readonly weight: number;
  /** For messages; the folder's name unless told. */
  readonly label?: string;
}

/** Opens an adapter folder as peft writes it. Throws WeightsMissing without a config or weights, AdapterUnsupported. */
export async function openAdapter({
  folder,
  weight,
  label = basename(folder),
}: AdapterChoice): Promise<Adapter> {
  const config = await readJson(join(folder, 'adapter_config.json'));
  if (config === undefined)
    throw new BuildFailure('WeightsMissing', `${folder} has no readable adapter_config.json`);
  const parsed = readAdapterConfig(config, `adapter_config.json of ${label}`);
  const { tensors } = await openWeights(folder, { prefer: 'adapter' });
  return { label, config: parsed, tensors, weight };
}
