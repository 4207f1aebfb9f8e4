import { join } from 'node:path';
import { readModelShape } from '../../../core/catalog/families/model-shape.ts';
import { familyOf } from '../../../core/catalog/families/registry.ts';
import type { JsonObject } from '../../../core/domain/json.ts';
import type { EffectScope } from '../../../core/domain/progress.ts';
import { locateStatistics } from '../../native-cli/locate.ts';
import { statisticsFile } from '../../weights/statistics-file.ts';
import type { EngineToolchain } from '../contract.ts';
import { checkpointFile } from './engine-folder.ts';
import { openSession, threadsOf, type LlamaSettings } from './open-session.ts';
import { readModelConfig } from './read-model-folder.ts';
import type { WindowSource } from './protocol.ts';

type CaptureRequest = Parameters<NonNullable<EngineToolchain['captureStatistics']>>[0];

/** Looks at the inputs of a checkpoint's linear layers while calibration texts run through it. */
export async function captureStatistics(
  settings: LlamaSettings,
  request: CaptureRequest,
  scope: EffectScope,
): Promise<JsonObject> {
  const { checkpointFolder, modelFolder, source, window, windows, seed, out } = request;
  const shape = readModelShape(await readModelConfig(modelFolder));
  // Matrices of the layers; embedding and output layer stay as they are.
  const modules = familyOf(shape.architecture)
    .tensors(shape)
    .filter((tensor) => tensor.gguf.name.startsWith('blk.') && tensor.shape.length === 2)
    .map((tensor) => [tensor.gguf.name, tensor.name.replace(/\.weight$/, '')] as const);
  await using session = await openSession(settings, scope);
  const found = await session.request('capture', {
    file: join(checkpointFolder, checkpointFile),
    source: toWindows(source, window),
    window,
    windows,
    seed,
    threads: threadsOf(settings),
    modules: Object.fromEntries(modules),
    library: locateStatistics(),
    to: join(out, statisticsFile),
  });
  return { tokens: found.tokens, windows: found.windows, inputs: found.inputs };
}

function toWindows(source: CaptureRequest['source'], window: number): WindowSource {
  return source.kind === 'texts'
    ? { kind: 'texts', texts: [...source.texts] }
    : { kind: 'text', text: source.text, window };
}
