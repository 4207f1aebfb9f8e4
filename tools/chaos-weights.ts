// SIGKILL at a hundred moments of every verb that writes weights: `npm run chaos:weights`. Writes docs/results/chaos-weights.*,
// unless CHAOS_KILLS asks for fewer kills. CHAOS_VERBS=convert,merge tries these alone.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../system/package-root.ts';
import { type ChaosOutcome, runChaos } from './chaos/chaos-trial.ts';
import { seededRandom } from './chaos/random.ts';
import { chaosVerbs } from './chaos/verbs.ts';
import { writeChaosModel } from './chaos/weights-model.ts';

const recordedKills = 100;
const kills = Number(process.env['CHAOS_KILLS'] ?? recordedKills);
const seed = Number(process.env['CHAOS_SEED'] ?? 20261123);
const chosen = process.env['CHAOS_VERBS']?.split(',');
const command =
  chosen === undefined ? 'npm run chaos:weights' : `CHAOS_VERBS=${chosen.join()} npm run chaos:weights`;
const layers = 57;

const folder = await mkdtemp(join(tmpdir(), 'enginewright-chaos-'));
const outcomes: ChaosOutcome[] = [];
let bytes = 0;
try {
  const model = await writeChaosModel(folder, layers);
  const random = seededRandom(seed);
  bytes = model.bytes;
  for (const verb of await chaosVerbs(model, folder)) {
    if (chosen !== undefined && !chosen.includes(verb.name)) continue;
    const outcome = await runChaos(verb, { folder, kills, random });
    console.log(JSON.stringify(outcome));
    outcomes.push(outcome);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

const host = { cpu: cpus()[0]?.model ?? 'unknown', kernel: release(), node: process.version };
const results = join(packageRoot(), 'docs', 'results');
const record = { seed, megabytes: bytes / 1e6, host, outcomes };
if (kills >= recordedKills) {
  await writeFile(join(results, 'chaos-weights.json'), `${JSON.stringify(record, null, 2)}\n`);
  await writeFile(join(results, 'chaos-weights.md'), pageOf(record));
}
const faults = outcomes.map(
  ({ partial, differentAfterRerun, draftsAfterRerun, leftInTemporary }) =>
    partial.length + differentAfterRerun.length + draftsAfterRerun + leftInTemporary,
);
if (faults.some((count) => count > 0)) process.exitCode = 1;

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
      leftInTemporary,
    }) =>
      `| ${[verb, kills, `${runMs} ms`, `${inTime.group} / ${inTime.node} / ${inTime.native}`, absent, complete, partial.length, differentAfterRerun.length, leftDrafts, draftsAfterRerun, leftInTemporary].join(' | ')} |`,
  );
  return `# SIGKILL while weights are written

Made by \`${command}\`: a model of ${Math.round(megabytes)} MB in two shards is converted to \`.bin\`, merged
with an adapter and quantized to int8, and the first of its files is converted alone, there and back. Each run is killed once,
at moments spread over its whole duration (seed ${seed}). Killed is in turn the whole run, the command line alone, and the
native program alone. After each kill the output must be absent or equal to the finished one in every byte, and the same
command given again must end with the same bytes.

| verb | kills | a whole run takes | kills in time: all / command line / native | output absent | complete | **partial** | **different after rerun** | drafts left by a kill | drafts after the rerun | left in the temporary folder |
|---|---|---|---|---|---|---|---|---|---|---|
${rows.join('\n')}

A draft is a hidden folder beside the output, \`.NAME.HOST~PID~ID.partial\`; the next run for the same output removes those
whose process is gone.

${host.cpu}, Linux ${host.kernel}, Node ${host.node}.
`;
}
