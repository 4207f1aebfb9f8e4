import { BuildFailure } from '../../../core/domain/failures.ts';
import { readGgufFile } from './read-gguf-file.ts';

/**
 * Throws ToolFailed for a file that is no adapter, before the library looks at it: refusing one itself, it now and then
 * ends the process. WeightsMissing and WeightsCorrupt as readGguf.
 */
export async function checkAdapter(file: string): Promise<void> {
  const { metadata } = await readGgufFile(file);
  const type = metadata.get('general.type');
  if (type?.type === 'string' && type.value === 'adapter') return;
  throw new BuildFailure('ToolFailed', `llama.cpp cannot load the adapter ${file}: it is none`);
}
