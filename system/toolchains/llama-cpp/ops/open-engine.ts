import { Engine } from '../engine.ts';
import { findEngine } from './find-engine.ts';
import type { Operation } from './operation.ts';

let lastHandle = 0;

export const openEngine: Operation<'open'> = async ({ library, engines }, params) => {
  const engine = await Engine.open(library, params);
  const handle = ++lastHandle;
  engines.set(handle, engine);
  return { engine: handle, ...engine.facts() };
};

export const closeEngine: Operation<'close'> = (state, { engine }) => {
  findEngine(state, engine).close();
  state.engines.delete(engine);
  return {};
};
