/**
 * The member of a model that holds its trunk (`base_model_prefix` of transformers 5.17). A checkpoint saved from the bare
 * trunk, as GPT-2's on the hub, leaves it out, and transformers adds it on loading; peft's keys have what was loaded.
 */
const prefixes: ReadonlyMap<string, string> = new Map([
  ...each('transformer', 'gpt2 gpt_neo gptj gpt_bigcode bloom falcon mpt codegen ctrl openai-gpt dbrx'),
  ...each('model', 'llama mistral mixtral qwen2 qwen3 qwen2_moe qwen3_moe gemma gemma2 gemma3_text phi phi3'),
  ...each('model', 'olmo olmo2 olmoe opt cohere granite smollm3 stablelm starcoder2 xglm glm glm4 gpt_oss'),
  ...each('model', 'deepseek_v2 deepseek_v3'),
  ...each('backbone', 'mamba'),
  ...each('gpt_neox', 'gpt_neox'),
  ...each('rwkv', 'rwkv'),
  ...each('biogpt', 'biogpt'),
]);

function each(prefix: string, modelTypes: string): [string, string][] {
  return modelTypes.split(' ').map((modelType) => [modelType, prefix]);
}

/**
 * From an adapter's name of a tensor or module to the base's: without the trunk's prefix where the base leaves it out, with
 * it where only the adapter does. Names that the base has stay as they are.
 */
export function prefixResolver(
  modelType: string | undefined,
  names: ReadonlySet<string>,
): (name: string) => string {
  const prefix = prefixes.get(modelType ?? '');
  if (prefix === undefined) return (name) => name;
  const start = `${prefix}.`;
  const trunks = new Set(
    [...names].filter((name) => name.startsWith(start)).map((name) => name.slice(start.length)),
  );
  return (name) => {
    if (name.startsWith(start)) return trunks.size === 0 ? name.slice(start.length) : name;
    return !names.has(name) && trunks.has(name) ? `${start}${name}` : name;
  };
}
