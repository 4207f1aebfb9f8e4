import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { ArtifactRef } from '../../core/domain/artifact.ts';
import type { ArtifactStore } from '../artifact-store/contract.ts';
import type { TextSource } from '../toolchains/contract.ts';
import { asDiskFull } from '../files/atomic-write.ts';
import { readUserText } from '../files/read-write.ts';
import { datasetFileName, parseSummaries, parseText } from './read-dataset.ts';

/**
 * Puts a dataset file into the store, checked line by line, so that the plan can name it by digest and every worker
 * reads the same bytes. Throws DatasetMissing, DatasetEmpty, DatasetInvalid.
 */
export async function importDataset(
  store: ArtifactStore,
  request: { readonly path: string; readonly holds: 'summaries' | 'text' },
): Promise<ArtifactRef<'dataset'>> {
  const label = basename(request.path);
  const content = await readUserText(request.path, 'DatasetMissing');
  const facts =
    request.holds === 'summaries'
      ? { samples: parseSummaries(content, label).length }
      : sizeOf(parseText(content, label));
  await using scratch = await store.createScratch();
  await writeFile(join(scratch.folder, datasetFileName), content).catch((error: unknown) => {
    throw asDiskFull(error, scratch.folder);
  });
  // Awaited here: the scratch folder must outlive it.
  return await store.publish({
    kind: 'dataset',
    folder: scratch.folder,
    facts: { ...facts, name: label },
    provenance: null,
  });
}

function sizeOf(source: TextSource): { readonly windows: number } | { readonly characters: number } {
  return source.kind === 'texts' ? { windows: source.texts.length } : { characters: source.text.length };
}
