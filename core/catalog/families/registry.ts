import { BuildFailure } from '../../domain/failures.ts';
import type { ModelFamily } from './contract.ts';
import { llama } from './llama.ts';
import { mistral } from './mistral.ts';
import { qwen2 } from './qwen2.ts';
import { qwen3 } from './qwen3.ts';

export const families = [llama, mistral, qwen2, qwen3] as const;

/** The family of `architectures[0]` in config.json; an unknown one is FamilyUnsupported. */
export function familyOf(architecture: string): ModelFamily {
  const family = families.find((entry) => entry.architectures.includes(architecture));
  if (family !== undefined) return family;
  const known = families.flatMap((entry) => entry.architectures).join(', ');
  throw new BuildFailure('FamilyUnsupported', `the architecture ${architecture} is not one of ${known}`);
}
