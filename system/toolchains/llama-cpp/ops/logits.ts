import { BuildFailure } from '../../../../core/domain/failures.ts';
import { logSumExp } from '../logits-math.ts';
import { readWindow } from '../read-window.ts';
import { findEngine } from './find-engine.ts';
import type { Operation } from './operation.ts';

export const logits: Operation<'logits'> = async (state, { engine: handle, tokens, topK }) => {
  const engine = findEngine(state, handle);
  let last = new Float32Array(0);
  let notFinite = 0;
  await readWindow([engine], tokens, ([rows]) => {
    if (rows === undefined) throw new BuildFailure('InternalError', 'a decode gave no rows');
    for (let index = 0; index < rows.length; index++) if (!Number.isFinite(rows[index])) notFinite++;
    last = rows.slice(rows.length - engine.vocabularySize);
  });
  const ids = Array.from(last.keys()).sort((a, b) => (last[b] as number) - (last[a] as number));
  const total = logSumExp(last, 0, last.length);
  return {
    top: ids
      .slice(0, topK)
      .map((id) => ({ id, logit: last[id] as number }))
      .filter(({ logit }) => Number.isFinite(logit)),
    logSumExp: Number.isFinite(total) ? total : null,
    notFinite,
  };
};
