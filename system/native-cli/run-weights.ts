import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import type { Digest } from '../../core/domain/artifact.ts';
import { BuildFailure, isBuildFailure, isFailureName } from '../../core/domain/failures.ts';
import type { EffectScope } from '../../core/domain/progress.ts';
import type { QuantizedEvent } from '../../core/domain/quantize-pieces.ts';
import type { SolvePlan } from '../../core/domain/solve-plan.ts';
import type { DigestPlan, WeightsPlan } from '../../core/domain/weights-plan.ts';
import { type Command, runCommand } from '../process/run-command.ts';
import { locateWeights } from './locate.ts';
import { eventsOf, type ParsedWeightsEvent, parseWeightsEvent } from './weights-events.ts';

/** A file that now stands complete and synced under its final name. */
export interface WrittenFile {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: Digest;
}

/**
 * Writes the outputs of a plan without merge pieces. Throws WeightsMissing, WeightsCorrupt, StoreUnwritable,
 * DiskFull, DiskFailed; after a failure or an abort none of the outputs is there, not even in part. (An abort in
 * the instant in which they get their names comes too late: then all of them are there.)
 */
export async function copyWeights(
  plan: WeightsPlan,
  scope: EffectScope,
  executable = locateWeights(),
): Promise<readonly WrittenFile[]> {
  return (await writeOutputs({ verb: 'copy', plan, executable }, scope)).files;
}

/** Like copyWeights, and computes merge pieces. Also throws MergeNotFinite, with `details.tensor`. */
export async function mergeWeights(
  plan: WeightsPlan,
  scope: EffectScope,
  executable = locateWeights(),
): Promise<readonly WrittenFile[]> {
  return (await writeOutputs({ verb: 'merge', plan, executable }, scope)).files;
}

/** What was written, and how far each matrix of codes is from the original, in the order of the plan. */
export interface QuantizedFiles {
  readonly files: readonly WrittenFile[];
  readonly errors: readonly QuantizedEvent[];
}

/** Like mergeWeights, and computes quantize and pack pieces. A value that is not finite is MergeNotFinite too. */
export async function quantizeMatrices(
  plan: WeightsPlan,
  scope: EffectScope,
  executable = locateWeights(),
): Promise<QuantizedFiles> {
  const { files, events } = await writeOutputs({ verb: 'quantize', plan, executable }, scope);
  return { files, errors: eventsOf(events, 'quantized') };
}

/** sha256 of each input's items in row-major order, by the input's name. Every input needs a name of its own. */
export async function digestWeights(
  plan: DigestPlan,
  scope: EffectScope,
  executable = locateWeights(),
): Promise<ReadonlyMap<string, Digest>> {
  const events = await runVerb({ verb: 'digest', plan, executable }, scope);
  const digests = new Map(eventsOf(events, 'digest').map(({ name, sha256 }) => [name, sha256]));
  const missing = plan.inputs.find(({ name }) => name === undefined || !digests.has(name));
  if (missing !== undefined)
    throw brokenProtocol(`gave no digest of ${missing.name ?? 'an input without a name'}`);
  return digests;
}

/** Of one linear, Σ over calibration tokens of |(Ŵ − W) x|²: rounded to nearest, and as it was solved. */
export interface SolvedLinearError {
  readonly name: string;
  readonly roundedError: number;
  readonly error: number;
}

/** Finds codes for linears by what they are given. Throws as mergeWeights. */
export async function solveLinears(
  plan: SolvePlan,
  scope: EffectScope,
  executable = locateWeights(),
): Promise<{ readonly outputs: readonly SolvedLinearError[]; readonly errors: readonly QuantizedEvent[] }> {
  const nonce = randomBytes(8).toString('hex');
  try {
    const events = await runVerb({ verb: 'solve', plan, executable }, scope, ['--nonce', nonce]);
    const outputs = eventsOf(events, 'solved').map(({ name, roundedError, error }) => ({
      name,
      roundedError,
      error,
    }));
    return { outputs, errors: eventsOf(events, 'quantized') };
  } catch (error) {
    await rm(`${plan.output.path}.${nonce}.part`, { force: true }).catch(() => undefined);
    throw error;
  }
}

interface WeightsCall {
  readonly verb: 'copy' | 'merge' | 'quantize' | 'solve' | 'digest';
  readonly plan: WeightsPlan | DigestPlan | SolvePlan;
  readonly executable: string;
}

async function writeOutputs(
  call: WeightsCall & { readonly plan: WeightsPlan },
  scope: EffectScope,
): Promise<{ files: readonly WrittenFile[]; events: readonly ParsedWeightsEvent[] }> {
  // Chosen here, so that the parts are known even if the executable is killed before it can remove them.
  const nonce = randomBytes(8).toString('hex');
  const paths = call.plan.outputs.map(({ path }) => path);
  try {
    const events = await runVerb(call, scope, ['--nonce', nonce]);
    const written = new Map(
      eventsOf(events, 'output').map(({ path, bytes, sha256 }) => [path, { path, bytes, sha256 }]),
    );
    const files = paths.map((path) => written.get(path) ?? raise(brokenProtocol(`did not report ${path}`)));
    return { files, events };
  } catch (error) {
    await Promise.all(
      paths.map((path) => rm(`${path}.${nonce}.part`, { force: true }).catch(() => undefined)),
    );
    throw error;
  }
}

async function runVerb(
  { verb, plan, executable }: WeightsCall,
  scope: EffectScope,
  more: readonly string[] = [],
): Promise<readonly ParsedWeightsEvent[]> {
  // On stdin, not in a file: a SIGKILL of this process would leave the file. A cut plan is no JSON, so it is refused.
  const args = [verb, '--plan', '-', ...more];
  return runAndListen({ file: executable, args, input: JSON.stringify(plan) }, scope);
}

/** All events but progress, which goes to the scope at once. A line that is no event ends the executable. */
async function runAndListen(
  command: Command,
  { signal, onProgress }: EffectScope,
): Promise<readonly ParsedWeightsEvent[]> {
  const events: ParsedWeightsEvent[] = [];
  const broken = new AbortController();
  const onLine = (line: string, stream: 'stdout' | 'stderr'): void => {
    if (stream === 'stderr') return;
    const event = parseWeightsEvent(line);
    if (event === undefined)
      broken.abort(brokenProtocol(`wrote a line that is no event: ${line.slice(0, 200)}`));
    else if (event.event === 'progress') onProgress(progressOf(event));
    else events.push(event);
  };
  try {
    await runCommand(command, { signal: AbortSignal.any([signal, broken.signal]), onLine });
  } catch (error) {
    throw failureOf(error, events, signal);
  }
  // The line may have been the last thing it wrote, too late for an abort.
  broken.signal.throwIfAborted();
  return events;
}

function progressOf(event: Extract<ParsedWeightsEvent, { event: 'progress' }>) {
  const fraction = event.totalBytes === 0 ? 1 : event.doneBytes / event.totalBytes;
  return event.name === undefined ? { fraction } : { fraction, note: event.name };
}

/** The executable's own words, where it had any; a cancellation stays one. */
function failureOf(error: unknown, events: readonly ParsedWeightsEvent[], signal: AbortSignal): unknown {
  if (signal.aborted || !isBuildFailure(error)) return error;
  const [told] = eventsOf(events, 'error');
  if (told === undefined) return endedBySignal(error) ? crashed(error) : error;
  const { name, message, tensor } = told;
  // It complains about its plan or its command line: both are written by us.
  const ours = name === 'PlanInvalid' || name === 'UsageInvalid' || !isFailureName(name);
  return new BuildFailure(ours ? 'InternalError' : name, message, {
    details: { ...error.details, ...(tensor === undefined ? {} : { tensor }) },
    cause: error,
  });
}

/** It catches signals to tidy up and then exits with 128 + the signal, which is no refusal of its input. */
function endedBySignal(error: BuildFailure): boolean {
  const { exitCode } = error.details;
  return typeof exitCode === 'number' && exitCode > 128;
}

function crashed(error: BuildFailure): BuildFailure {
  return new BuildFailure('ToolCrashed', error.message, { details: error.details, cause: error });
}

function brokenProtocol(problem: string): BuildFailure {
  return new BuildFailure('ToolFailed', `enginewright-weights ${problem}`, {
    hint: 'The executable does not fit this version; run `npm run setup`.',
  });
}

function raise(failure: BuildFailure): never {
  throw failure;
}
