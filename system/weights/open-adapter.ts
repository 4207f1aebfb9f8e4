import { basename, join } from 'node:path';
import { BuildFailure } from '../../core/domain/failures.ts';
import { JsonSyntaxError, parseStrictJson } from '../../core/formats/strict-json.ts';
import { readAdapterConfig } from '../../core/formats/peft/adapter-config.ts';
import type { Adapter } from '../../core/formats/peft/adapter-tensors.ts';
import { openWeights } from './open-weights.ts';
import { readSmallText } from './small-text.ts';

export interface AdapterChoice {
  readonly folder: string;
  /** 1 is plain merging. */
  readonly weight: number;
  /** For messages; the folder's name unless told. */
  readonly label?: string;
  /** Where it was fetched from: a hub repository or a folder; the folder itself unless told. */
  readonly source?: string;
}

/** Opens an adapter folder as peft writes it. Throws WeightsMissing without a config or weights, AdapterUnsupported. */
export async function openAdapter({
  folder,
  weight,
  label = basename(folder),
}: AdapterChoice): Promise<Adapter> {
  const config = parseConfig(await readSmallText(join(folder, 'adapter_config.json')), label);
  const parsed = readAdapterConfig(config, `adapter_config.json of ${label}`);
  const { tensors } = await openWeights(folder, { prefer: 'adapter' });
  return { label, config: parsed, tensors, weight };
}

/** It decides how weights are changed, so nothing in it may be read in two ways. */
function parseConfig(text: string, label: string): unknown {
  try {
    parseStrictJson(text);
    const value: unknown = JSON.parse(text);
    return value;
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw new BuildFailure('AdapterUnsupported', `adapter_config.json of ${label} ${error.message}`, {
      hint: 'Check that the file comes from peft.',
    });
  }
}
