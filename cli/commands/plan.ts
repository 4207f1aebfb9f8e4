import { join } from 'node:path';
import { resolveSource } from '../../activities/resolve-source/contract.ts';
import type { StepContract, StepResult } from '../../core/domain/step.ts';
import type { ArtifactKind } from '../../core/domain/artifact.ts';
import { canonicalJson } from '../../core/domain/json.ts';
import { fullKey } from '../../core/planning/full-key.ts';
import { createFolderStore } from '../../system/artifact-store/folder-store.ts';
import { sha256OfText } from '../../system/files/hash-file.ts';
import { describeHost } from '../../system/host.ts';
import { createSources } from '../../system/sources/create-sources.ts';
import { readStackRecord } from '../../system/supervisor/stack-record.ts';
import { createToolchains, identitiesOf } from '../../system/toolchains/create-toolchains.ts';
import { defineCommand, type Context } from '../define-command.ts';
import { effectScope } from '../effect-scope.ts';
import { renderTextTable } from '../output/text-table.ts';
import { predictSteps } from '../run/predict-steps.ts';
import type { Foresight } from '../run/predictions.ts';
import { preparePlan } from '../run/prepare-plan.ts';

export const plan = defineCommand({
  name: 'plan',
  summary: 'Show every step a recipe would run, what is cached, and why the rest is not.',
  positionals: 'RECIPE',
  options: {},
  async run({ positionals, ...context }) {
    const { environment, home, print } = context;
    const endpoint = environment.hubEndpoint ?? (await readStackRecord(home))?.hubEndpoint ?? null;
    const prepared = await preparePlan({ file: positionals[0] ?? '', home, endpoint });
    const steps = await predictSteps(prepared.plan, createForesight(context));
    const rows = steps.map(({ status, step, variant, summary, worker, why }) => [
      status,
      worker,
      step,
      variant ?? '',
      summary,
      why,
    ]);
    const columns = ['status', 'worker', 'step', 'variant', 'what', 'why'];
    const table = renderTextTable({ columns, rows, alignment: columns.map(() => 'left') });
    const cached = steps.filter(({ status }) => status === 'cached').length;
    print.result({ plan: prepared.plan, steps }, `${table}\n\n${cached} of ${steps.length} steps are cached`);
  },
});

/** Keys as a worker on this host would compute them; the store and the hub are only read. */
function createForesight(context: Context): Foresight {
  const { environment, home } = context;
  const store = createFolderStore(join(home, 'store'));
  const identities = identitiesOf(createToolchains(environment, home), describeHost());
  const sourceFor = createSources(environment, home);
  const scope = effectScope(context, 'plan');
  async function lookup<Input, Kind extends ArtifactKind>(
    contract: StepContract<string, Input, Kind>,
    input: Input,
  ): Promise<StepResult<Kind> | null> {
    const key = sha256OfText(canonicalJson(await fullKey(contract, contract.key(input), identities)));
    const hit = await store.lookup(key, contract.produces);
    return hit && { artifact: hit.artifact, key, cached: true, facts: hit.facts, seconds: 0 };
  }
  return {
    lookup,
    async listing(source) {
      const commit = await sourceFor(source).resolve(scope);
      return { commit, made: await lookup(resolveSource, { source, commit }) };
    },
  };
}
