import { setInterval } from 'node:timers';
import { activityInfo, Context, heartbeat } from '@temporalio/activity';
import { BuildFailure } from '../core/domain/failures.ts';
import type { EffectScope } from '../core/domain/progress.ts';
import type { Heartbeat } from '../core/domain/run-state.ts';

/** A heartbeat each 5 s reports progress and brings a cancellation; Temporal may throttle it further. */
const heartbeatMs = 5_000;

/** The scope of an activity: aborted by a cancellation or a standstill; `end` stops the heartbeats. */
export interface Watch extends EffectScope {
  /** Waiting for someone else's work: nothing of ours can stand still meanwhile. */
  readonly onWait: () => void;
  readonly end: () => void;
}

/** Heartbeats by timer (a long silent tool must not look dead) and, apart from it, an end to what stands still. */
export function watchProgress(stallTimeoutMs: number): Watch {
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
    if (fraction === latest.fraction && (note ?? latest.note) === latest.note) return;
    latest = { fraction, note: note ?? latest.note };
    changedAt = Date.now();
    heartbeat(latest);
  };
  const onWait = (): void => {
    changedAt = Date.now();
    report({ fraction: 0, note: 'another run builds this' });
  };
  beat();
  const timer = setInterval(beat, heartbeatMs);
  const signal = AbortSignal.any([Context.current().cancellationSignal, stalled.signal]);
  return { signal, onProgress: report, onWait, end: () => clearInterval(timer) };
}
