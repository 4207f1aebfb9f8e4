/**
 * The llama.cpp child: `node child.js [LIBRARY_FOLDER]`. Native code can crash, run out of memory or never come back;
 * here it takes nothing with it but this process. protocol.ts says what is spoken.
 */
import { rmSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { BuildFailure, isBuildFailure } from '../../../core/domain/failures.ts';
import { bindLibrary, widenNativeStacks } from './bind-library.ts';
import { locateLibraries } from './locate-libraries.ts';
import { logMarkOf } from './log-mark.ts';
import type { ChildState, ReportProgress } from './ops/operation.ts';
import { registry } from './ops/registry.ts';
import {
  type FailureMessage,
  isOperationName,
  operations,
  type OperationName,
  type Reply,
  request,
} from './protocol.ts';

/** Progress more often than this only fills the pipe. Milliseconds. */
const progressEveryMs = 200;

function say(reply: Reply): void {
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}

function describeFailure(error: unknown): FailureMessage {
  if (isBuildFailure(error)) {
    return { name: error.name, message: error.message, hint: error.hint, details: { ...error.details } };
  }
  const cause = error instanceof Error ? error : new Error(String(error));
  const bug = new BuildFailure('InternalError', cause.message, { details: { stack: cause.stack ?? '' } });
  return { name: bug.name, message: bug.message, hint: bug.hint, details: bug.details };
}

function startState(): ChildState | undefined {
  try {
    widenNativeStacks();
    const library = bindLibrary(locateLibraries({ libraryFolder: process.argv[2] }));
    return { library, engines: new Map(), partialFiles: new Set() };
  } catch (error) {
    say({ event: 'refused', failure: describeFailure(error) });
    return undefined;
  }
}

function createReporter(id: number): ReportProgress {
  let last = 0;
  return (fraction, note) => {
    const now = performance.now();
    if (now - last < progressEveryMs && fraction < 1) return;
    last = now;
    say({ event: 'progress', id, fraction, ...(note === undefined ? {} : { note }) });
  };
}

async function perform<Op extends OperationName>(
  state: ChildState,
  op: Op,
  call: { id: number; params: unknown },
) {
  const schema = operations[op].params;
  const parsed = schema.safeParse(call.params);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new BuildFailure('InternalError', `${op}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
  }
  // The schema is this operation's own; TypeScript cannot follow the pair through the index.
  return await registry[op](state, parsed.data as never, createReporter(call.id));
}

async function answer(state: ChildState, line: string): Promise<void> {
  let id: number | null = null;
  try {
    const call = request.parse(JSON.parse(line));
    id = call.id;
    if (!isOperationName(call.op))
      throw new BuildFailure('InternalError', `the protocol has no operation '${call.op}'`);
    const result = await perform(state, call.op, { id: call.id, params: call.params });
    say({ event: 'result', id: call.id, result });
  } catch (error) {
    // llama.cpp writes its log unbuffered, so all of it lies before the mark.
    if (id !== null) writeSync(process.stderr.fd, `${logMarkOf(id)}\n`);
    say({ event: 'error', id, failure: describeFailure(error) });
  }
}

/** By the default action of SIGTERM: no destructor runs while another thread is inside the library. */
function end(state: ChildState): void {
  for (const file of state.partialFiles) rmSync(file, { force: true });
  process.removeAllListeners('SIGTERM');
  process.kill(process.pid, 'SIGTERM');
}

function listen(state: ChildState): void {
  let answering: Promise<void> = Promise.resolve();
  let open = 0;
  process.once('SIGTERM', () => end(state));
  const lines = createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY });
  lines.on('line', (line) => {
    if (line.trim() === '') return;
    open++;
    answering = answering.then(() => answer(state, line)).then(() => void open--);
  });
  lines.on('close', () => {
    // Nobody is left to read an answer, unless the parent closed an idle child in peace.
    if (open > 0) return end(state);
    for (const engine of state.engines.values()) engine.close();
    process.exit(0);
  });
  say({ event: 'ready', llamaCpp: state.library.version() });
}

const state = startState();
if (state === undefined) process.exitCode = 1;
else listen(state);
