import type { Identities } from '../../core/planning/full-key.ts';
import { BuildFailure } from '../../core/domain/failures.ts';
import type { JsonObject } from '../../core/domain/json.ts';
import type { EngineToolchain } from './contract.ts';
import { createLlamaCpp } from './llama-cpp/toolchain.ts';

export interface ToolchainSettings {
  readonly llamaLibraries: string | null;
  readonly threads: number | null;
}

/** The toolchains of this host by id. Nothing is started before it is used. */
export function createToolchains(settings: ToolchainSettings, home: string): (id: string) => EngineToolchain {
  const known: readonly EngineToolchain[] = [createLlamaCpp({ ...settings, home })];
  return (id) => {
    const toolchain = known.find((candidate) => candidate.id === id);
    if (toolchain === undefined)
      throw new BuildFailure('ToolchainMissing', `this worker has no toolchain ${id}`);
    return toolchain;
  };
}

export function identitiesOf(toolchain: (id: string) => EngineToolchain, host: JsonObject): Identities {
  return {
    toolchain: async (id) => toolchain(id).identity(),
    machine: async (id) => toolchain(id).machine(),
    host: async () => host,
  };
}
