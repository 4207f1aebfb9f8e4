import { join } from 'node:path';
import { findDegeneration } from '../../core/metrics/degenerate.ts';
import type { StepResult } from '../../core/domain/step.ts';
import { writeJson } from '../../system/files/read-write.ts';
import type { StepDeps } from '../step-deps.ts';
import { tryEngine, type TryEngineInput } from './contract.ts';

/** Degenerate output is a fact the gates and the report see; it does not fail the step: small models loop. */
export function createTryEngine({ runStep, toolchain }: Pick<StepDeps, 'runStep' | 'toolchain'>) {
  return (input: TryEngineInput): Promise<StepResult<'trial'>> =>
    runStep(tryEngine, input, async (scope) => {
      const engineFolder = await scope.folderOf(input.engine);
      const { prompts, maxNewTokens } = input.trial;
      const trial = await toolchain(input.toolchain).generate({ engineFolder, prompts, maxNewTokens }, scope);
      await writeJson(join(scope.out, 'trial.json'), trial);
      const degenerate = trial.texts.filter(({ text }) => findDegeneration(text) !== null).length;
      return { prompts: prompts.length, degenerate };
    });
}
