/** Linears that serving engines run as one, by the name they give it, and its parts. */
const fused: { readonly [name: string]: readonly string[] } = {
  qkv_proj: ['q_proj', 'k_proj', 'v_proj'],
  gate_up_proj: ['gate_proj', 'up_proj'],
};

/**
 * Modules with the fused names of those whose parts are all among them behind them. SGLang looks a linear up by its fused
 * name alone, vLLM by its parts too; who knows neither finds no such module and nothing changes.
 */
export function withFusedNames(modules: readonly string[]): string[] {
  const known = new Set(modules);
  const names = modules.flatMap((module) => {
    const dot = module.lastIndexOf('.') + 1;
    return Object.entries(fused)
      .filter(([, parts]) => parts[0] === module.slice(dot))
      .filter(([, parts]) => parts.every((part) => known.has(module.slice(0, dot) + part)))
      .map(([name]) => module.slice(0, dot) + name);
  });
  return [...modules, ...names];
}
