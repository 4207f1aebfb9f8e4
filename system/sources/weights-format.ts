/** Which format the weights among these files have; null without any. Both: safetensors, which loaders prefer. */
export function weightsFormat(files: readonly { readonly path: string }[]): 'safetensors' | 'bin' | null {
  if (files.some(({ path }) => path.endsWith('.safetensors'))) return 'safetensors';
  return files.some(({ path }) => path.endsWith('.bin')) ? 'bin' : null;
}
