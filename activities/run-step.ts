import {
  holdsWeights,
  type ArtifactKind,
  type ArtifactRef,
  type Digest,
  type Provenance,
} from '../core/domain/artifact.ts';
import { canonicalJson, type JsonObject } from '../core/domain/json.ts';
import type { EffectScope } from '../core/domain/progress.ts';
import type { FullKey, StepContract, StepResult } from '../core/domain/step.ts';
import { fullKey, inputDigests, type Identities } from '../core/planning/full-key.ts';
import type { ArtifactStore, PublishRequest } from '../system/artifact-store/contract.ts';
import type { WeightTools } from '../system/weights/contract.ts';
import { asDiskFull } from '../system/files/atomic-write.ts';
import { sha256OfText } from '../system/files/hash-file.ts';
import { watchProgress, type Watch } from './watch-progress.ts';

/** What an effect is given: where to write, where its inputs lie, when to stop. */
export interface StepScope extends EffectScope {
  /** An empty folder; what is in it at the end is the artifact. */
  readonly out: string;
  readonly folderOf: (artifact: ArtifactRef) => Promise<string>;
}

type Effect = (scope: StepScope) => Promise<JsonObject>;

export interface RunStep {
  <Input, Kind extends ArtifactKind>(
    contract: StepContract<string, Input, Kind>,
    input: Input,
    effect: Effect,
  ): Promise<StepResult<Kind>>;
}

export interface RunStepDeps {
  readonly store: ArtifactStore;
  readonly identities: Identities;
  readonly weights: Pick<WeightTools, 'identify'>;
}

/**
 * Gives every step the same life: key → hit? → lease → hit? → scratch → run → publish → provenance. A step is the
 * effect alone; it neither knows the store nor how to be cancelled, watched or repeated.
 */
export function createRunStep({ store, identities, weights }: RunStepDeps): RunStep {
  return async (contract, input, effect) => {
    const started = performance.now();
    // From the start: verifying a large hit takes long enough to be asked for a heartbeat.
    const watch = watchProgress(contract.stallTimeoutMs);
    try {
      const material = contract.key(input);
      const full = await fullKey(contract, material, identities);
      const key = sha256OfText(canonicalJson(full));
      const { produces } = contract;
      const found = await findOrMake(store, { key, produces, watch }, async (scope) => {
        const facts = await effect(scope).catch((error: unknown) => {
          throw asDiskFull(error, scope.out);
        });
        const identity = holdsWeights(produces) ? await weights.identify(scope.out, scope) : null;
        const inputs = inputDigests(material);
        const provenance = provenanceOf({ ...full, inputs }, key);
        return { facts, provenance, ...(identity === null ? {} : { identity }) };
      });
      return { ...found, key, seconds: Math.round(performance.now() - started) / 1000 };
    } catch (error) {
      // The reason of an abort (cancelled, stalled) tells more than the error it caused somewhere below.
      if (watch.signal.aborted) throw watch.signal.reason;
      throw error;
    } finally {
      watch.end();
    }
  };
}

interface Wanted<Kind extends ArtifactKind> {
  readonly key: Digest;
  readonly produces: Kind;
  readonly watch: Watch;
}

type Found<Kind extends ArtifactKind> = Pick<StepResult<Kind>, 'artifact' | 'facts' | 'cached'>;
type Made = Pick<PublishRequest<ArtifactKind>, 'facts' | 'identity'> & { readonly provenance: Provenance };

/** Looks before and after the lease: who waited for it usually finds the artifact made. */
async function findOrMake<Kind extends ArtifactKind>(
  store: ArtifactStore,
  { key, produces, watch }: Wanted<Kind>,
  make: (scope: StepScope) => Promise<Made>,
): Promise<Found<Kind>> {
  const lookup = async (): Promise<Found<Kind> | null> => {
    const hit = await store.lookup(key, produces);
    return hit && { artifact: hit.artifact, facts: hit.facts, cached: true };
  };
  const hit = await lookup();
  if (hit !== null) return hit;
  await using _lease = await store.lease(key, watch.signal, watch.onWait);
  const appeared = await lookup();
  if (appeared !== null) return appeared;
  await using scratch = await store.createScratch();
  const { signal, onProgress } = watch;
  const folderOf: StepScope['folderOf'] = (artifact) => store.folderOf(artifact);
  const made = await make({ out: scratch.folder, signal, onProgress, folderOf });
  signal.throwIfAborted();
  const artifact = await store.publish({ kind: produces, folder: scratch.folder, ...made });
  return { artifact, facts: made.facts, cached: false };
}

function provenanceOf(full: FullKey, key: Digest): Provenance {
  const { step, stepVersion, inputs, parameters, toolchain } = full;
  return { step, stepVersion, key, inputs, parameters, ...(toolchain === null ? {} : { toolchain }) };
}
