import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type Kill, killOnce, startToEnd, victims, type Victim } from './kill-once.ts';
import type { ChaosVerb } from './verbs.ts';

export interface ChaosOutcome {
  readonly verb: string;
  readonly kills: number;
  /** Kills that met a running process; the others came after its end. */
  readonly inTime: { readonly [victim in Victim]: number };
  readonly runMs: number;
  /** Of the output after a kill: not there, or complete. Anything else is in `partial`. */
  readonly absent: number;
  readonly complete: number;
  readonly partial: readonly string[];
  readonly differentAfterRerun: readonly string[];
  /** Kills that left something unfinished beside the output, and such things still there after the rerun. */
  readonly leftDrafts: number;
  readonly draftsAfterRerun: number;
  /** What killed runs left in the system's temporary folder. */
  readonly leftInTemporary: number;
}

/** sha256 of the file, or of every file in the folder, by name; undefined if there is neither. */
async function digestOutput(out: string): Promise<{ readonly [file: string]: string } | undefined> {
  const status = await stat(out).catch(() => undefined);
  if (status === undefined) return undefined;
  const paths = status.isFile() ? [out] : (await readdir(out)).sort().map((name) => join(out, name));
  const digests: { [file: string]: string } = {};
  for (const path of paths) {
    const hash = createHash('sha256');
    await pipeline(createReadStream(path), hash);
    digests[basename(path)] = hash.digest('hex');
  }
  return digests;
}

/** What drafts are called, and the native program's parts. */
const draftsIn = async (folder: string) =>
  (await readdir(folder)).filter((name) => /\.(?:partial|part)$/.test(name));

interface TrialOptions {
  readonly folder: string;
  readonly kills: number;
  /** How often the verb runs undisturbed before, to learn how long it takes; 4 unless told. */
  readonly wholeRuns?: number;
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
  const runMs = await shortestRunMs(verb, out, options.wholeRuns ?? 4);
  const finished = JSON.stringify(await digestOutput(out));
  const temporary = join(folder, 'temporary');
  await mkdir(temporary, { recursive: true });
  const trials: Trial[] = [];
  for (let index = 0; index < kills; index += 1) {
    const victim = victims[index % victims.length] ?? 'group';
    const delayMs = (runMs * 1.05 * (index + random())) / kills;
    trials.push(await tryKill(verb, { folder, finished, victim, delayMs, temporary }));
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
    leftInTemporary: (await readdir(temporary)).length,
  };
}

/** Of `runs` runs, so that most kills meet a running process; `out` is complete afterwards. */
async function shortestRunMs(verb: ChaosVerb, out: string, runs: number): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    await rm(out, { recursive: true, force: true });
    times.push(await startToEnd(verb.args(out)));
  }
  return Math.min(...times);
}

interface TriedKill extends Kill {
  readonly folder: string;
  /** The digests of the finished output, as JSON. */
  readonly finished: string;
}

async function tryKill(verb: ChaosVerb, { folder, finished, ...kill }: TriedKill): Promise<Trial> {
  const out = join(folder, 'out');
  const args = verb.args(out);
  await rm(out, { recursive: true, force: true });
  const inTime = await killOnce(args, kill);
  const digests = await digestOutput(out);
  const leftDraft = (await draftsIn(folder)).length > 0;
  // A complete folder is refused as an output, and the drafts beside it are nobody's then.
  if (digests === undefined || verb.replaces) await startToEnd(args);
  else await removeDrafts(folder);
  const { victim, delayMs } = kill;
  return {
    victim,
    inTime,
    found: digests === undefined ? 'absent' : JSON.stringify(digests) === finished ? 'complete' : 'partial',
    sameAfterRerun: JSON.stringify(await digestOutput(out)) === finished,
    leftDraft,
    draftsAfterRerun: (await draftsIn(folder)).length,
    told: `${victim} after ${Math.round(delayMs)} ms: ${Object.keys(digests ?? {}).join(', ')}`,
  };
}

async function removeDrafts(folder: string): Promise<void> {
  for (const draft of await draftsIn(folder)) await rm(join(folder, draft), { recursive: true });
}
