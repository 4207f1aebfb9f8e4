import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { killOnce, startCli, victims, type Victim } from './kill-once.ts';

export interface ChaosVerb {
  readonly name: string;
  /** The command line that fills `out`. */
  readonly args: (out: string) => readonly string[];
}

export interface ChaosOutcome {
  readonly verb: string;
  readonly kills: number;
  /** Kills that met a running process; the others came after its end. */
  readonly inTime: { readonly [victim in Victim]: number };
  readonly runMs: number;
  /** Of the output folder after a kill: not there, or complete. Anything else is in `partial`. */
  readonly absent: number;
  readonly complete: number;
  readonly partial: readonly string[];
  readonly differentAfterRerun: readonly string[];
  /** Kills that left an unfinished folder under a temporary name, and such folders still there after the rerun. */
  readonly leftDrafts: number;
  readonly draftsAfterRerun: number;
  /** Folders with plans of killed runs in the system's temporary folder. */
  readonly leftPlans: number;
}

/** sha256 of every file, by name. */
export async function digestFolder(folder: string): Promise<{ readonly [file: string]: string } | undefined> {
  const names = await readdir(folder).catch(() => undefined);
  if (names === undefined) return undefined;
  const digests: { [file: string]: string } = {};
  for (const name of names.sort()) {
    const hash = createHash('sha256');
    await pipeline(createReadStream(join(folder, name)), hash);
    digests[name] = hash.digest('hex');
  }
  return digests;
}

export async function runToEnd(args: readonly string[]): Promise<number> {
  const begun = performance.now();
  const [code] = (await once(startCli(args), 'exit')) as [number | null];
  if (code !== 0) throw new Error(`enginewright ${args.join(' ')} ended with ${code}`);
  return performance.now() - begun;
}

const draftsIn = async (folder: string) =>
  (await readdir(folder)).filter((name) => name.startsWith('.') && name.endsWith('.partial'));
const plansIn = async () =>
  (await readdir(tmpdir())).filter((name) => name.startsWith('enginewright-weights-')).length;

interface TrialOptions {
  readonly folder: string;
  readonly kills: number;
  /** Numbers from 0 to 1. */
  readonly random: () => number;
}

/** One kill: what it met, and what stood there after it and after the same command again. */
interface Trial {
  readonly victim: Victim;
  readonly inTime: boolean;
  readonly found: 'absent' | 'complete' | 'partial';
  readonly sameAfterRerun: boolean;
  readonly leftDraft: boolean;
  readonly draftsAfterRerun: number;
  /** For people: who was killed when, and which files were there. */
  readonly told: string;
}

/** Kills a verb at moments that are spread over its whole run and a little beyond. */
export async function runChaos(verb: ChaosVerb, options: TrialOptions): Promise<ChaosOutcome> {
  const { folder, kills, random } = options;
  const out = join(folder, 'out');
  const runMs = await shortestRunMs(verb, out);
  const finished = JSON.stringify(await digestFolder(out));
  const plansBefore = await plansIn();
  const trials: Trial[] = [];
  for (let index = 0; index < kills; index += 1) {
    const victim = victims[index % victims.length] ?? 'group';
    const delayMs = (runMs * 1.05 * (index + random())) / kills;
    trials.push(await tryKill(verb, { folder, finished, victim, delayMs }));
  }
  const count = (holds: (trial: Trial) => boolean) => trials.filter(holds).length;
  const met = (wanted: Victim) => count(({ victim, inTime }) => inTime && victim === wanted);
  return {
    verb: verb.name,
    kills,
    inTime: { group: met('group'), node: met('node'), native: met('native') },
    runMs: Math.round(runMs),
    absent: count(({ found }) => found === 'absent'),
    complete: count(({ found }) => found === 'complete'),
    partial: trials.filter(({ found }) => found === 'partial').map(({ told }) => told),
    differentAfterRerun: trials.filter(({ sameAfterRerun }) => !sameAfterRerun).map(({ told }) => told),
    leftDrafts: count(({ leftDraft }) => leftDraft),
    draftsAfterRerun: trials.reduce((sum, { draftsAfterRerun }) => sum + draftsAfterRerun, 0),
    leftPlans: (await plansIn()) - plansBefore,
  };
}

/** Of a few runs, so that most kills meet a running process; `out` is complete afterwards. */
async function shortestRunMs(verb: ChaosVerb, out: string): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < 4; run += 1) {
    await rm(out, { recursive: true, force: true });
    times.push(await runToEnd(verb.args(out)));
  }
  return Math.min(...times);
}

interface Kill {
  readonly folder: string;
  /** The digests of the finished folder, as JSON. */
  readonly finished: string;
  readonly victim: Victim;
  readonly delayMs: number;
}

async function tryKill(verb: ChaosVerb, { folder, finished, victim, delayMs }: Kill): Promise<Trial> {
  const out = join(folder, 'out');
  const args = verb.args(out);
  await rm(out, { recursive: true, force: true });
  const inTime = await killOnce(args, victim, delayMs);
  const digests = await digestFolder(out);
  const leftDraft = (await draftsIn(folder)).length > 0;
  // A complete folder is refused as an output, and the drafts beside it are nobody's then.
  if (digests === undefined) await runToEnd(args);
  else await removeDrafts(folder);
  return {
    victim,
    inTime,
    found: digests === undefined ? 'absent' : JSON.stringify(digests) === finished ? 'complete' : 'partial',
    sameAfterRerun: JSON.stringify(await digestFolder(out)) === finished,
    leftDraft,
    draftsAfterRerun: (await draftsIn(folder)).length,
    told: `${victim} after ${Math.round(delayMs)} ms: ${Object.keys(digests ?? {}).join(', ')}`,
  };
}

async function removeDrafts(folder: string): Promise<void> {
  for (const draft of await draftsIn(folder)) await rm(join(folder, draft), { recursive: true });
}
