import { constants } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BuildFailure } from '../../../core/domain/failures.ts';
import type { JsonObject } from '../../../core/domain/json.ts';
import type { EffectScope } from '../../../core/domain/progress.ts';
import type { EngineToolchain } from '../contract.ts';
import { adapterFile, checkpointFile, engineFile, writeEngineCard } from './engine-folder.ts';
import { fileTypes, isFileTypeName } from './file-types.ts';
import { openSession, threadsOf, type LlamaSettings } from './open-session.ts';
import { verifyEngine } from './verify-engine.ts';

type BuildRequest = Parameters<EngineToolchain['buildEngine']>[0];

/** Build type of a checkpoint whose matrices are quantized already: they go into the engine unchanged. */
const asIs = 'AS_IS';

/** Quantizes the checkpoint, puts the run-time adapters beside it, and reads the whole engine back. */
export async function buildEngine(
  settings: LlamaSettings,
  request: BuildRequest,
  scope: EffectScope,
): Promise<JsonObject> {
  const type = request.parameters['type'];
  if (type !== asIs && !isFileTypeName(type))
    throw new BuildFailure('InternalError', `llama-cpp has no file type ${JSON.stringify(type)}`);
  const from = join(request.checkpointFolder, checkpointFile);
  const to = join(request.out, engineFile);
  await using session = await openSession(settings, scope);
  if (type === asIs) {
    scope.onProgress({ fraction: 0.1, note: 'copy' });
    await copyFile(from, to, constants.COPYFILE_FICLONE);
  } else {
    scope.onProgress({ fraction: 0.1, note: `quantize to ${type}` });
    await session.request(
      'quantize',
      // A source that was quantized already came into the checkpoint as it was; any other type is made from that.
      { from, to, ftype: fileTypes[type].ftype, threads: threadsOf(settings), requantize: true },
      ({ fraction }) => scope.onProgress({ fraction: 0.1 + 0.6 * fraction, note: `quantize to ${type}` }),
    );
  }
  const adapters = [];
  for (const [index, { folder, weight }] of request.adapters.entries()) {
    const file = `adapter-${index + 1}.gguf`;
    await copyFile(join(folder, adapterFile), join(request.out, file));
    adapters.push({ file, scale: weight });
  }
  scope.onProgress({ fraction: 0.8, note: 'verify' });
  const verified = await verifyEngine(session, {
    checkpoint: from,
    engine: to,
    type: type === asIs ? null : type,
    adapters: adapters.map(({ file, scale }) => ({ file: join(request.out, file), scale })),
    threads: threadsOf(settings),
  });
  const { contextTokens, ...facts } = verified;
  await writeEngineCard(request.out, {
    toolchain: 'llama-cpp',
    file: engineFile,
    fileType: type,
    contextTokens,
    adapters,
  });
  return { type, ...facts };
}
