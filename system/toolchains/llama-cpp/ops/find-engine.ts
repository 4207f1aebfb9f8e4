import { BuildFailure } from '../../../../core/domain/failures.ts';
import type { Engine } from '../engine.ts';
import type { ChildState } from './operation.ts';

/** Throws ToolFailed for a handle that was never given out, or is closed. */
export function findEngine(state: ChildState, handle: number): Engine {
  const engine = state.engines.get(handle);
  if (engine === undefined) throw new BuildFailure('ToolFailed', `no engine is open under handle ${handle}`);
  return engine;
}
