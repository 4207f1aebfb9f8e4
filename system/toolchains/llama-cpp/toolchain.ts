import { join } from 'node:path';
import { llamaCpp } from '../../../core/catalog/toolchains/llama-cpp.ts';
import { BuildFailure } from '../../../core/domain/failures.ts';
import type { EffectScope } from '../../../core/domain/progress.ts';
import { openWeights } from '../../weights/open-weights.ts';
import { verifyChecks } from '../../weights/verify-checks.ts';
import type { EngineToolchain } from '../contract.ts';
import { buildEngine } from './build.ts';
import { captureStatistics } from './capture-statistics.ts';
import { adapterFile, checkpointFile } from './engine-folder.ts';
import { openSession, type LlamaSettings } from './open-session.ts';
import type { Result } from './protocol.ts';
import { proveMerge } from './prove-merge.ts';
import { readModelConfig } from './read-model-folder.ts';
import { divergence, generate, measure, perplexity } from './score.ts';
import { ggufOutTypes, writeGguf, type GgufOutType } from './write-gguf.ts';
import { writeLoraGguf } from './write-lora-gguf.ts';

/** Raise when our GGUF writer gives other bytes for the same model. */
const writerVersion = 1;

/** The embedded default toolchain. Every method starts a child process of its own and ends it. */
export function createLlamaCpp(settings: LlamaSettings): EngineToolchain {
  const identity = memo(() => askIdentity(settings));
  return {
    id: llamaCpp.id,
    async identity() {
      const { llamaCpp: version, libraries } = await identity();
      // The CPU variants differ in speed and in the last bits of a product, not in what is built: see machine().
      const building = Object.entries(libraries).filter(([name]) => !name.startsWith('libggml-cpu'));
      return { llamaCpp: version, libraries: Object.fromEntries(building), writer: writerVersion };
    },
    async machine() {
      const { cpuBackend, libraries } = await identity();
      const variant = Object.entries(libraries).filter(([name]) => name.startsWith('libggml-cpu'));
      return { cpuBackend, libraries: Object.fromEntries(variant) };
    },
    async convertCheckpoint({ modelFolder, out, parameters }, scope) {
      const outType = parameters['type'];
      if (!isOutType(outType))
        throw new BuildFailure('InternalError', `there is no GGUF type ${JSON.stringify(outType)}`);
      const { tensors } = await openWeights(modelFolder);
      await verifyChecks(tensors, scope.signal);
      const written = await writeGguf(
        { modelFolder, tensors, outFile: join(out, checkpointFile), outType, name: 'model' },
        scope,
      );
      return { tensors: written.tensors, architecture: written.architecture, type: outType };
    },
    async convertAdapter({ adapterFolder, baseFolder, out }, scope) {
      const { tensors } = await openWeights(adapterFolder, { prefer: 'adapter' });
      await verifyChecks(tensors, scope.signal);
      const baseConfig = await readModelConfig(baseFolder);
      // Its weight is applied when the engine opens it, so that one file serves every weight.
      const request = {
        adapterFolder,
        tensors,
        baseConfig,
        outFile: join(out, adapterFile),
        name: 'adapter',
      };
      const written = await writeLoraGguf(request, scope);
      return { tensors: written.tensors, architecture: written.architecture };
    },
    captureStatistics: (request, scope) => captureStatistics(settings, request, scope),
    proveMerge: (request, scope) => proveMerge(settings, request, scope),
    buildEngine: (request, scope) => buildEngine(settings, request, scope),
    generate: (request, scope) => generate(settings, request, scope),
    perplexity: (request, scope) => perplexity(settings, request, scope),
    divergence: (request, scope) => divergence(settings, request, scope),
    measure: (request, scope) => measure(settings, request, scope),
  };
}

function isOutType(type: unknown): type is GgufOutType {
  return typeof type === 'string' && Object.hasOwn(ggufOutTypes, type);
}

async function askIdentity(settings: LlamaSettings): Promise<Result<'identity'>> {
  const scope: EffectScope = { signal: AbortSignal.timeout(60_000), onProgress: () => undefined };
  await using session = await openSession(settings, scope);
  return await session.request('identity', {});
}

/** Asked once; a failure is not kept, so that an installation can be mended without a restart. */
function memo<T>(ask: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | undefined;
  return () => {
    answer ??= ask().catch((error: unknown) => {
      answer = undefined;
      throw error;
    });
    return answer;
  };
}
