import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { layOutSafetensors } from '../../../core/formats/safetensors/write-header.ts';
import type { TensorSpec } from '../../../core/formats/tensor.ts';
import { syncFolder } from '../../files/atomic-write.ts';
import type { CapturedInputs } from './input-watch.ts';

/**
 * Writes the sums of captured inputs as safetensors: for each distinct input `<module>.gram` F64 [in, in] = Σ x xᵀ,
 * `<module>.mean_abs` and `<module>.amax` F64 [in]; metadata `tokens` and `inputs` (module → the module that holds its
 * sums, as JSON). Returns the file's bytes.
 */
export async function writeStatistics(
  path: string,
  { sums, inputs }: CapturedInputs,
  { tokens, partial }: { readonly tokens: number; readonly partial: Set<string> },
): Promise<number> {
  const values = new Map<string, Float64Array>();
  const specs: TensorSpec[] = [];
  for (const [module, sum] of sums) {
    const { gram, absolute, largest } = sum.finish();
    const { columns } = sum;
    const add = (name: string, shape: readonly number[], data: Float64Array): void => {
      specs.push({ name: `${module}.${name}`, dtype: 'F64', shape });
      values.set(`${module}.${name}`, data);
    };
    add('gram', [columns, columns], gram);
    add(
      'mean_abs',
      [columns],
      absolute.map((value) => value / tokens),
    );
    add('amax', [columns], largest);
  }
  const metadata = new Map([
    ['tokens', String(tokens)],
    ['inputs', JSON.stringify(Object.fromEntries([...inputs].sort(([a], [b]) => (a < b ? -1 : 1))))],
  ]);
  const layout = layOutSafetensors(specs, metadata);
  const temporary = `${path}.partial`;
  partial.add(temporary);
  try {
    await using file = await open(temporary, 'w');
    await file.writeFile(layout.header);
    for (const { name } of layout.tensors) {
      const data = values.get(name) ?? new Float64Array();
      await file.writeFile(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    }
    await file.sync();
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } finally {
    await rm(temporary, { force: true });
    partial.delete(temporary);
  }
  return layout.bytes;
}
