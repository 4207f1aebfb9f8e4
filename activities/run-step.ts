import { setInterval } from 'node:timers';
import { activityInfo, Context, heartbeat } from '@temporalio/activity';
import type { ArtifactKind, ArtifactRef, Digest, Provenance } from '../core/domain/artifact.ts';
import { BuildFailure } from '../core/domain/failures.ts';
import { canonicalJson, type JsonObject } from '../core/domain/json.ts';
import type { EffectScope } from '../core/domain/progress.ts';
import type { Heartbeat } from '../core/domain/run-state.ts';
import type { FullKey, StepContract, StepResult } from '../core/domain/step.ts';
import { fullKey, type Identities } from '../core/planning/full-key.ts';
import type { ArtifactStore } from '../system/artifact-store/contract.ts';
import { sha256OfText } from '../system/files/hash-file.ts';

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

/** A heartbeat each 5 s reports progress and brings a cancellation; Temporal may throttle it further. */
const heartbeatMs = 5_000;

/**
 * Gives every step the same life: key → hit? → lease → hit? → scratch → run → publish → provenance. A step is the
 * effect alone; it neither knows the store nor how to be cancelled, watched or repeated.
 */
export function createRunStep(store: ArtifactStore, identities: Identities): RunStep {
  return async (contract, input, effect) => {
    const started = performance.now();
    const seconds = (): number => Math.round(performance.now() - started) / 1000;
    const full = await fullKey(contract, input, identities);
    const key = sha256OfText(canonicalJson(full));
    const hit = await store.lookup(key, contract.produces);
    if (hit !== null)
      return { artifact: hit.artifact, key, cached: true, facts: hit.facts, seconds: seconds() };
    const watch = watchProgress(contract.stallTimeoutMs);
    try {
      await using _lease = await store.lease(key, watch.signal, () =>
        watch.report({ fraction: 0, note: 'another run builds this' }),
      );
      const made = await store.lookup(key, contract.produces);
      if (made !== null)
        return { artifact: made.artifact, key, cached: true, facts: made.facts, seconds: seconds() };
      await using scratch = await store.createScratch();
      const scope: StepScope = {
        out: scratch.folder,
        signal: watch.signal,
        onProgress: watch.report,
        folderOf: (artifact) => store.folderOf(artifact),
      };
      const facts = await effect(scope);
      watch.signal.throwIfAborted();
      const request = {
        kind: contract.produces,
        folder: scratch.folder,
        facts,
        provenance: provenanceOf(full, key),
      };
      const artifact = await store.publish(request);
      return { artifact, key, cached: false, facts, seconds: seconds() };
    } catch (error) {
      // The reason of an abort (cancelled, stalled) tells more than the error it caused somewhere below.
      if (watch.signal.aborted) throw watch.signal.reason;
      throw error;
    } finally {
      watch.end();
    }
  };
}

function provenanceOf(full: FullKey, key: Digest): Provenance {
  const { step, stepVersion, inputs, parameters, toolchain } = full;
  return { step, stepVersion, key, inputs, parameters, ...(toolchain === null ? {} : { toolchain }) };
}

interface Watch extends EffectScope {
  readonly report: EffectScope['onProgress'];
  readonly end: () => void;
}

/** Heartbeats by timer (a long silent tool must not look dead) and, apart from it, an end to what stands still. */
function watchProgress(stallTimeoutMs: number): Watch {
  const stalled = new AbortController();
  let latest: Heartbeat = { fraction: null, note: 'started' };
  let changedAt = Date.now();
  const beat = (): void => {
    heartbeat(latest);
    if (Date.now() - changedAt > stallTimeoutMs) {
      const message = `${activityInfo().activityType} reported nothing new for ${Math.round(stallTimeoutMs / 1000)} s`;
      stalled.abort(new BuildFailure('Stalled', message));
    }
  };
  const report: EffectScope['onProgress'] = ({ fraction, note }) => {
    if (fraction === latest.fraction && note === latest.note) return;
    latest = { fraction, note: note ?? latest.note };
    changedAt = Date.now();
    heartbeat(latest);
  };
  beat();
  const timer = setInterval(beat, heartbeatMs);
  const signal = AbortSignal.any([Context.current().cancellationSignal, stalled.signal]);
  return { signal, report, onProgress: report, end: () => clearInterval(timer) };
}
