import type { QuantizationOptions } from '../quantizations/registry.ts';
import type { Spelling, Toolchain } from './contract.ts';
import { llamaCpp } from './llama-cpp.ts';

/** The list of toolchains a recipe can name. */
export const toolchains = [llamaCpp] as const;
export const toolchainIds = toolchains.map(({ id }) => id);

export function findToolchain(id: string): Toolchain | undefined {
  return toolchains.find((toolchain) => toolchain.id === id);
}

export function spell(toolchain: Toolchain, options: QuantizationOptions): Spelling {
  // The cell is selected by the options' own method, which is what its parameter type says.
  const cell = toolchain.quantizations[options.method] as (options: QuantizationOptions) => Spelling;
  return cell(options);
}
