import { identityOf, type ArtifactKind, type ArtifactRef, type Digest } from '../domain/artifact.ts';
import type { JsonObject } from '../domain/json.ts';
import type { FullKey, KeyMaterial, StepContract } from '../domain/step.ts';

/** What a worker (or the planner on the same host) knows that a key may depend on. */
export interface Identities {
  /** Version and library digests of a toolchain. */
  toolchain(id: string): Promise<JsonObject>;
  /** Instruction set or device that a toolchain's run-time uses here. */
  machine(toolchain: string): Promise<JsonObject>;
  /** This very host. */
  host(): Promise<JsonObject>;
}

/** Everything the output of a step depends on; `material` is what its contract's `key` says of an input. Worker and planner call this, so a plan's prediction is the truth. */
export async function fullKey(
  contract: Pick<StepContract<string, never, ArtifactKind>, 'name' | 'version' | 'dependsOn'>,
  material: KeyMaterial,
  identities: Identities,
): Promise<FullKey> {
  const { toolchain, machine } = contract.dependsOn;
  const named = material.parameters['toolchain'];
  const id = typeof named === 'string' ? named : '';
  return {
    step: contract.name,
    stepVersion: contract.version,
    inputs: mapInputs(material.inputs, identityOf),
    parameters: material.parameters,
    toolchain: toolchain ? await identities.toolchain(id) : null,
    machine: await machineOf(machine, id, identities),
  };
}

/** The digest of every input: where exactly an output came from, as its key tells only what that means. */
export function inputDigests({ inputs }: KeyMaterial): FullKey['inputs'] {
  return mapInputs(inputs, ({ digest }) => digest);
}

function mapInputs(
  inputs: KeyMaterial['inputs'],
  take: (artifact: ArtifactRef) => Digest,
): FullKey['inputs'] {
  const pairs = Object.entries(inputs).map(([role, input]): [string, Digest] => [
    role,
    typeof input === 'string' ? input : take(input),
  ]);
  return Object.fromEntries(pairs);
}

async function machineOf(kind: 'none' | 'cpu' | 'host', toolchain: string, identities: Identities) {
  if (kind === 'none') return null;
  const machine = await identities.machine(toolchain);
  return kind === 'cpu' ? machine : { ...machine, ...(await identities.host()) };
}
