import type { OutputPlan } from '../../domain/weights-plan.ts';
import type { PlannedTensor } from '../pieces.ts';
import { specBytes } from '../spec-bytes.ts';
import { planZip, type ZipSource } from './plan-zip.ts';
import { writeStateDictPickle } from './write-pickle.ts';

// Loaders take any folder name; torch itself falls back to this one.
const folder = 'archive';

/**
 * A torch file as a plan: the zip form of torch.save, one storage a tensor, aliases sharing one. There is no
 * `.format_version` record on purpose: with it torch may compute offsets by its own layout rule instead of reading the
 * archive's directory, and would read other bytes than ours. `path` is absolute and final.
 */
export function planTorchFile(path: string, tensors: readonly PlannedTensor[]): OutputPlan {
  const owners = tensors.filter(({ aliasOf }) => aliasOf === undefined);
  const keys = new Map(owners.map(({ name }, index) => [name, String(index)]));
  const pickle = writeStateDictPickle(
    tensors.map(({ name, dtype, shape, aliasOf }) => ({
      name,
      dtype,
      shape,
      storageKey: keys.get(aliasOf ?? name) ?? '',
    })),
  );
  const records: ZipSource[] = [
    { name: `${folder}/data.pkl`, content: pickle },
    { name: `${folder}/byteorder`, content: new TextEncoder().encode('little') },
    ...owners.map((tensor, index) => ({
      name: `${folder}/data/${index}`,
      content: { piece: tensor.piece, bytes: specBytes(tensor) },
    })),
    { name: `${folder}/version`, content: new TextEncoder().encode('3\n') },
  ];
  return { path, ...planZip(records) };
}
