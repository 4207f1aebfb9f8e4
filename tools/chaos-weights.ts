// SIGKILL at a hundred moments of `convert` and of `merge`: `npm run chaos:weights`. Writes docs/results/chaos-weights.*.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../system/package-root.ts';
import { type ChaosOutcome, runChaos } from './chaos/chaos-trial.ts';
import { seededRandom } from './chaos/random.ts';
import { writeChaosModel } from './chaos/weights-model.ts';

const kills = Number(process.env['CHAOS_KILLS'] ?? 100);
const seed = Number(process.env['CHAOS_SEED'] ?? 20261123);
const linears = 400;

const folder = await mkdtemp(join(tmpdir(), 'enginewright-chaos-'));
const outcomes: ChaosOutcome[] = [];
try {
  const { base, adapter } = await writeChaosModel(folder, linears);
  const random = seededRandom(seed);
  const verbs = [
    { name: 'convert', args: (out: string) => ['convert', base, out, '--to', 'bin'] },
    { name: 'merge', args: (out: string) => ['merge', '--base', base, '--adapter', adapter, '--out', out] },
  ];
  for (const verb of verbs) {
    const outcome = await runChaos(verb, { folder, kills, random });
    console.log(JSON.stringify(outcome));
    outcomes.push(outcome);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

const host = { cpu: cpus()[0]?.model ?? 'unknown', kernel: release(), node: process.version };
const results = join(packageRoot(), 'docs', 'results');
const record = { seed, megabytes: (linears * 512 * 512 * 2) / 1e6, host, outcomes };
await writeFile(join(results, 'chaos-weights.json'), `${JSON.stringify(record, null, 2)}\n`);
await writeFile(join(results, 'chaos-weights.md'), pageOf(record));
if (outcomes.some((outcome) => outcome.partial.length + outcome.differentAfterRerun.length > 0))
  process.exitCode = 1;

function pageOf({ seed, megabytes, host, outcomes }: typeof record): string {
  const rows = outcomes.map(
    ({
      verb,
      kills,
      runMs,
      inTime,
      absent,
      complete,
      partial,
      differentAfterRerun,
      leftDrafts,
      draftsAfterRerun,
      leftPlans,
    }) =>
      `| ${[verb, kills, `${runMs} ms`, `${inTime.group} / ${inTime.node} / ${inTime.native}`, absent, complete, partial.length, differentAfterRerun.length, leftDrafts, draftsAfterRerun, leftPlans].join(' | ')} |`,
  );
  return `# SIGKILL while weights are written

Made by \`npm run chaos:weights\`: a model of ${Math.round(megabytes)} MB in two shards is converted to \`.bin\` and merged
with an adapter, and each run is killed once, at moments spread over its whole duration (seed ${seed}). Killed is in turn the
whole run, the command line alone, and the native program alone. After each kill the output folder must be absent or equal
to the finished one in every byte, and the same command given again must end with the same bytes.

| verb | kills | a whole run takes | kills in time: all / command line / native | output absent | complete | **partial** | **different after rerun** | drafts left by a kill | drafts after the rerun | plan folders left in the temporary folder |
|---|---|---|---|---|---|---|---|---|---|---|
${rows.join('\n')}

A draft is a hidden folder beside the output, \`.NAME.HOST~PID~ID.partial\`; the next run for the same output removes those
whose process is gone. A plan folder holds one JSON file of a few hundred kilobytes in the system's temporary folder.

${host.cpu}, Linux ${host.kernel}, Node ${host.node}.
`;
}
